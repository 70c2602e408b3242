// Runs an ONNX model of bert_onnx.py with ONNX Runtime and prints seconds of each run as JSON:
//
//     node onnxruntime.cjs NODE_MODULES MODEL.onnx THREADS REPETITIONS TOKENS [OUTPUT.f32]
//
// TOKENS is a list of ids, 1,2,3. The output of the last run goes to OUTPUT.f32 as plain float32.
const fs = require('fs');
const path = require('path');

async function main([modules, model, threads, repetitions, tokens, output]) {
  const ort = require(path.join(path.resolve(modules), 'onnxruntime-node'));
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all', logSeverityLevel: 3,
  });
  const ids = Int32Array.from(tokens.split(','), Number);
  const feeds = {tokens: new ort.Tensor('int32', ids, [1, ids.length])};
  const seconds = [];
  let result;
  for (let i = -1; i < Number(repetitions); ++i) {  // One to warm up.
    const start = process.hrtime.bigint();
    result = await session.run(feeds);
    if (i >= 0) seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  if (output) fs.writeFileSync(output, Buffer.from(result.hidden.data.buffer));
  console.log(JSON.stringify(seconds));
}

main(process.argv.slice(2)).catch(error => { console.error(String(error)); process.exit(1); });

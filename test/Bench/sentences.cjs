// Runs a pooled model of bert_onnx.py on batches of texts with ONNX Runtime:
//
//     node sentences.cjs NODE_MODULES MODEL.onnx THREADS BATCHES.json [OUTPUT.f32]
//
// BATCHES.json is a list of batches, each a list of texts, each a list of ids. Prints seconds by the clock and of the
// processor for all of them as JSON; the first batch runs once before. Their vectors go to OUTPUT.f32 in order.
const fs = require('fs');
const path = require('path');

async function main([modules, model, threads, file, output]) {
  const ort = require(path.join(path.resolve(modules), 'onnxruntime-node'));
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all', logSeverityLevel: 3,
  });
  const batches = JSON.parse(fs.readFileSync(file, 'utf8'));
  const run = async batch => {
    const count = batch.length, longest = Math.max(...batch.map(text => text.length));
    const tokens = new Int32Array(count * longest), shares = new Float32Array(count * longest);
    batch.forEach((text, i) => {
      tokens.set(text, i * longest);
      shares.fill(1 / text.length, i * longest, i * longest + text.length);
    });
    const result = await session.run({
      tokens: new ort.Tensor('int32', tokens, [count, longest]),
      lengths: new ort.Tensor('int32', Int32Array.from(batch, text => text.length), [count]),
      shares: new ort.Tensor('float32', shares, [count, 1, longest]),
    });
    return result.pooled.data;
  };
  await run(batches[0]);
  const vectors = [];
  const start = process.hrtime.bigint(), before = process.cpuUsage();
  for (const batch of batches) vectors.push(await run(batch));
  const used = process.cpuUsage(before);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (output) fs.writeFileSync(output, Buffer.concat(vectors.map(each => Buffer.from(each.buffer, each.byteOffset, each.byteLength))));
  console.log(JSON.stringify({seconds, processor: (used.user + used.system) / 1e6}));
}

main(process.argv.slice(2)).catch(error => { console.error(String(error)); process.exit(1); });

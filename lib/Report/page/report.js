'use strict';
// The page of a report. Data: lib/Report/ReportPage.cpp, formatReportJson. Nothing is fetched.

const $ = (id) => document.getElementById(id);

/** An element with attributes and children; a function among the attributes is a listener. */
function make(tag, attributes = {}, ...children) {
  const svg = ['svg', 'g', 'rect', 'path', 'text', 'circle', 'title'].includes(tag);
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(Infinity)) if (child !== undefined && child !== null) element.append(child);
  return element;
}

/** The report in a page's text: base64 of a zlib stream of JSON. */
async function unpack(encoded) {
  const bytes = Uint8Array.from(atob(encoded.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text());
}

/** Adds what is derived: lines of texts, the lines of the description of each. */
function prepare(report) {
  for (const text of report.texts) {
    text.lines = text.text === undefined ? [`(${text.omitted} bytes were left out to keep this page small)`]
                                         : text.text.replace(/\n$/, '').split('\n');
    text.from = text.text === undefined ? [[]] : text.places.map((i) => report.places[i]);
    text.total = Object.values(text.operations).reduce((a, b) => a + b, 0);
  }
  for (const kernel of report.kernels) {
    kernel.code = kernel.code === undefined ? ['(left out to keep this page small)'] : kernel.code.split('\n');
    kernel.from = (kernel.places || [0]).map((i) => report.kernelPlaces[i]);
  }
  report.source.lines = report.source.text.replace(/\n$/, '').split('\n');
  return report;
}

// ---------------------------------------------------------------------------------------------------------------------
// State: what is shown, kept in the address so that a place can be passed on.

let report;
const state = {view: 'pipeline', pass: 0, against: 0, line: 0, kernel: 0, graph: 0, entry: 0, query: ''};

function readAddress() {
  for (const [key, value] of new URLSearchParams(location.hash.slice(1)))
    if (key in state) state[key] = typeof state[key] === 'number' ? Number(value) || 0 : value;
  state.pass = Math.min(state.pass, report.passes.length - 1);
  state.against = Math.min(state.against, report.passes.length - 1);
  state.kernel = Math.min(state.kernel, Math.max(report.kernels.length - 1, 0));
  state.graph = Math.min(state.graph, Math.max(report.graphs.length - 1, 0));
  state.entry = Math.min(state.entry, Math.max(report.memory.entries.length - 1, 0));
  if (!(state.view in views)) state.view = 'pipeline';
}

function go(changes) {
  Object.assign(state, changes);
  const entries = Object.entries(state).filter(([key, value]) => key === 'view' || value);
  history.replaceState(null, '', '#' + new URLSearchParams(entries));
  draw();
}

const passName = (pass) => `${pass.stage}${pass.variant ? ` (${pass.variant})` : ''}: ${pass.name}`;
const textOf = (pass) => report.texts[pass.text];

// ---------------------------------------------------------------------------------------------------------------------
// Long code: only the rows in sight are elements.

const kRow = 18;

/** rows: {text, number?, kind?, words?}; options: lit(i), hit(i), pick(i), label. */
function codePane(rows, options) {
  const height = make('div', {style: `height:${rows.length * kRow}px;width:1px`});
  const window_ = make('div', {class: 'rows'});
  const pane = make('div', {class: 'code', tabindex: 0, role: 'region', 'aria-label': options.label}, height, window_);
  const show = () => {
    const first = Math.max(0, Math.floor(pane.scrollTop / kRow) - 20);
    const last = Math.min(rows.length, first + Math.ceil((pane.clientHeight || 800) / kRow) + 60);
    window_.style.top = `${first * kRow}px`;
    window_.replaceChildren(...rows.slice(first, last).map((row, k) => {
      const i = first + k;
      const classes = ['row', row.kind, options.lit?.(i) && 'lit', options.hit?.(row) && 'hit'].filter(Boolean).join(' ');
      return make('div', {class: classes, click: () => options.pick?.(i)},
        make('span', {class: 'number'}, row.number === undefined ? '' : String(row.number)), row.words || row.text);
    }));
  };
  pane.addEventListener('scroll', show);
  new ResizeObserver(show).observe(pane);
  pane.goTo = (i) => { pane.scrollTop = Math.max(0, i * kRow - pane.clientHeight / 3); show(); };
  requestAnimationFrame(() => {
    const first = options.start ? options.start() : -1;
    if (first >= 0) pane.goTo(first);
    else show();
  });
  return pane;
}

const isHit = (row) => state.query && row.text.toLowerCase().includes(state.query.toLowerCase());
const numbered = (lines) => lines.map((text, i) => ({text, number: i + 1}));

// ---------------------------------------------------------------------------------------------------------------------
// Difference of two texts: Myers' shortest edit script on lines, then words of lines that stand against each other.

/** Rows of a unified difference. Past `most` edits the middle is shown as replaced: nobody reads such a script. */
function difference(a, b, most = 1500) {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) ++start;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) ++end;
  const middle = editScript(a.slice(start, a.length - end), b.slice(start, b.length - end), most);
  return [...a.slice(0, start).map((text) => ({kind: '', text})), ...middle,
          ...a.slice(a.length - end).map((text) => ({kind: '', text}))];
}

function editScript(a, b, most) {
  const n = a.length, m = b.length, trace = [];
  let found = false;
  let v = new Map([[1, 0]]);
  for (let d = 0; d <= Math.min(n + m, most) && !found; ++d) {
    trace.push(new Map(v));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && (v.get(k - 1) ?? -1) < (v.get(k + 1) ?? -1)) ? v.get(k + 1) ?? 0 : (v.get(k - 1) ?? -1) + 1;
      while (x < n && x - k < m && a[x] === b[x - k]) ++x;
      v.set(k, x);
      if (x >= n && x - k >= m) { found = true; break; }
    }
  }
  if (!found)
    return [...a.map((text) => ({kind: 'del', text})), ...b.map((text) => ({kind: 'add', text}))];
  const rows = [];
  let x = n, y = m;
  for (let d = trace.length - 1; d >= 0; --d) {
    const at = trace[d], k = x - y;
    const before = k === -d || (k !== d && (at.get(k - 1) ?? -1) < (at.get(k + 1) ?? -1)) ? k + 1 : k - 1;
    const fromX = d ? at.get(before) ?? 0 : 0, fromY = d ? fromX - before : 0;
    while (x > fromX && y > fromY) { rows.push({kind: '', text: a[--x]}); --y; }
    if (d) rows.push(x > fromX ? {kind: 'del', text: a[--x]} : {kind: 'add', text: b[--y]});
  }
  return rows.reverse();
}

/** A run of deleted lines before as many added ones: which words differ. */
function markWords(rows) {
  for (let i = 0; i < rows.length; ++i) {
    if (rows[i].kind !== 'del') continue;
    let dels = i;
    while (dels < rows.length && rows[dels].kind === 'del') ++dels;
    let adds = dels;
    while (adds < rows.length && rows[adds].kind === 'add') ++adds;
    if (adds - dels === dels - i)
      for (let k = 0; k < dels - i; ++k) markPair(rows[i + k], rows[dels + k]);
    i = adds - 1;
  }
  return rows;
}

function markPair(del, add) {
  const split = (text) => text.match(/[A-Za-z0-9_.@%#!]+|\s+|./g) || [];
  const rows = editScript(split(del.text), split(add.text), 200);
  const side = (kind) => rows.filter((row) => row.kind === '' || row.kind === kind)
    .map((row) => row.kind ? make('b', {}, row.text) : row.text);
  del.words = side('del');
  add.words = side('add');
}

/** Keeps three lines around changes. */
function fold(rows) {
  const keep = new Array(rows.length).fill(false);
  rows.forEach((row, i) => {
    if (row.kind) for (let k = Math.max(0, i - 3); k <= Math.min(rows.length - 1, i + 3); ++k) keep[k] = true;
  });
  const result = [];
  for (let i = 0; i < rows.length;) {
    if (keep[i]) { result.push(rows[i++]); continue; }
    let end = i;
    while (end < rows.length && !keep[end]) ++end;
    result.push({kind: 'skip', text: `… ${end - i} lines alike`});
    i = end;
  }
  return result;
}

// ---------------------------------------------------------------------------------------------------------------------
// Views

function passSelect(value, label, change) {
  const select = make('select', {'aria-label': label, change: () => change(Number(select.value))});
  report.passes.forEach((pass, i) => select.append(make('option', {value: i, selected: i === value}, `${i} ${passName(pass)}`)));
  return select;
}

/** The pass before, of the same variant or of what variants have in common. */
function passBefore(i) {
  const pass = report.passes[i];
  for (let k = i - 1; k >= 0; --k)
    if (!report.passes[k].variant || report.passes[k].variant === pass.variant) return k;
  return i;
}

function changeOf(i) {
  const before = textOf(report.passes[passBefore(i)]).operations, after = textOf(report.passes[i]).operations;
  const changes = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => [name, (after[name] || 0) - (before[name] || 0)]).filter(([, n]) => n)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  return changes.slice(0, 6).map(([name, n]) => `${n > 0 ? '+' : '−'}${Math.abs(n)} ${name}`).join(', ') +
    (changes.length > 6 ? ', …' : '');
}

function drawPipeline(main) {
  main.append(make('p', {class: 'mono'}, report.facts.map(([name, value]) => `${name} ${value}`).join(' · ')));
  const longest = Math.max(...report.passes.map((pass) => pass.ms), 1e-9);
  const rows = report.passes.map((pass, i) => make('tr', {
      class: `${pass.changed ? '' : 'same'} ${i === state.pass ? 'picked' : ''}`, tabindex: 0,
      click: () => go({pass: i, against: passBefore(i)}),
      keydown: (event) => { if (event.key === 'Enter') go({pass: i, against: passBefore(i)}); }},
    make('td', {class: 'right'}, String(i)), make('td', {class: 'name'}, pass.stage + (pass.variant ? ` (${pass.variant})` : '')),
    make('td', {class: 'mono name', title: pass.description}, pass.name),
    make('td', {class: 'right'}, pass.ms.toFixed(2)),
    make('td', {}, make('span', {class: 'bars', style: `width:${(60 * pass.ms / longest).toFixed(1)}px`})),
    make('td', {class: 'right'}, String(textOf(pass).total)),
    make('td', {class: 'mono wide'}, i === 0 ? '' : pass.changed ? changeOf(i) : 'nothing changed')));
  main.append(make('div', {class: 'scroll'}, make('table', {},
    make('thead', {}, make('tr', {}, make('th', {class: 'right'}, '#'), make('th', {}, 'stage'), make('th', {}, 'pass'),
      make('th', {class: 'right'}, 'ms'), make('th'), make('th', {class: 'right'}, 'operations'), make('th', {}, 'made and removed'))),
    make('tbody', {}, rows))));
  main.append(make('h2', {}, 'What changed between two points'),
    make('div', {class: 'bar'}, 'from', passSelect(state.against, 'from', (against) => go({against})),
      'to', passSelect(state.pass, 'to', (pass) => go({pass})), make('span', {class: 'hint'}, 'j, k: next and previous pass')));
  const rowsOfDifference = fold(markWords(difference(textOf(report.passes[state.against]).lines, textOf(report.passes[state.pass]).lines)));
  const pane = codePane(rowsOfDifference, {label: 'difference', hit: isHit});
  pane.style.height = '60vh';
  main.append(pane);
}

/** Lines of a text that come from a line of the description. */
const comesFrom = (from) => (i) => state.line > 0 && (from[i] || []).includes(state.line);

function drawProvenance(main) {
  main.classList.add('fixed');
  const pass = report.passes[state.pass], text = textOf(pass), kernel = report.kernels[state.kernel];
  const remarks = report.remarks.filter((remark) => remark.places.some(([, line]) => line === state.line));
  const pick = (from) => (i) => { const lines = from[i] || []; if (lines.length) go({line: lines[0]}); };
  const start = (from, lines) => () => lines.findIndex((_, i) => comesFrom(from)(i));
  const kernels = report.kernels.map((k, i) => [k, i]).filter(([k]) => !state.line || k.lines.includes(state.line));
  const kernelSelect = make('select', {'aria-label': 'kernel', change: () => go({kernel: Number(kernelSelect.value)})},
    (kernels.length ? kernels : report.kernels.map((k, i) => [k, i])).map(([k, i]) =>
      make('option', {value: i, selected: i === state.kernel}, k.symbol)));
  const shown = kernels.length && !kernels.some(([, i]) => i === state.kernel) ? kernels[0][0] : kernel;
  main.append(make('div', {class: 'bar hint'}, state.line
    ? `line ${state.line}: ${text.from.filter((lines) => lines.includes(state.line)).length} lines of IR here, ` +
      `${kernels.length} kernels, ${remarks.length} remarks`
    : 'Select a line of the description, of IR or of code: what belongs to it is lit everywhere.'));
  main.append(make('div', {class: 'columns'},
    make('div', {class: 'column'}, make('header', {}, report.source.name),
      codePane(numbered(report.source.lines), {label: 'description', lit: (i) => i + 1 === state.line, hit: isHit,
        pick: (i) => go({line: i + 1 === state.line ? 0 : i + 1}), start: () => state.line - 1})),
    make('div', {class: 'column'}, make('header', {}, passSelect(state.pass, 'pass', (p) => go({pass: p}))),
      codePane(numbered(text.lines), {label: 'IR', lit: comesFrom(text.from), hit: isHit, pick: pick(text.from),
        start: start(text.from, text.lines)})),
    make('div', {class: 'column'}, make('header', {}, report.kernels.length ? kernelSelect : 'no kernels at this stage'),
      shown ? codePane(numbered(shown.code), {label: 'assembly', lit: comesFrom(shown.from), hit: isHit, pick: pick(shown.from),
        start: start(shown.from, shown.code)}) : undefined)));
  if (remarks.length) main.append(remarkTable(remarks));
}

function remarkTable(remarks) {
  const place = ([file, line, column]) => make('a', {href: '#', click: (event) => {
    event.preventDefault();
    go({view: 'provenance', line});
  }}, `${file}:${line}:${column}`);
  return make('div', {class: 'scroll'}, make('table', {}, make('tbody', {}, remarks.map((remark) => make('tr', {},
    make('td', {class: remark.kind}, remark.kind), make('td', {class: 'mono'}, remark.places.length ? place(remark.places[0]) : ''),
    make('td', {class: 'wide'}, remark.text, remark.blocker ? [' (', place(remark.blocker), ')'] : '',
      remark.suggestion ? make('div', {class: 'hint'}, `expected: ${remark.suggestion}`) : ''),
    make('td', {class: 'mono hint'}, remark.pass))))));
}

function drawRemarks(main) {
  const matching = report.remarks.filter((remark) => !state.query || isHit(remark) || remark.pass.includes(state.query));
  const count = (kind) => matching.filter((remark) => remark.kind === kind).length;
  main.append(make('p', {}, `${count('fused')} rewrites applied, ${count('missed')} declined, ${count('tile')} choices of tiles`),
    remarkTable([...matching].sort((a, b) => (a.kind === 'missed' ? 0 : 1) - (b.kind === 'missed' ? 0 : 1))));
}

function drawKernels(main) {
  const most = Math.max(...report.kernels.map((kernel) => kernel.instructions), 1);
  main.append(make('div', {class: 'scroll'}, make('table', {},
    make('thead', {}, make('tr', {}, make('th', {}, 'kernel'), make('th', {class: 'right'}, 'instructions'), make('th'),
      make('th', {}, 'lines of the description'))),
    make('tbody', {}, report.kernels.map((kernel, i) => make('tr', {tabindex: 0,
        click: () => go({view: 'provenance', kernel: i, line: kernel.lines[0] || 0}),
        keydown: (event) => { if (event.key === 'Enter') go({view: 'provenance', kernel: i, line: kernel.lines[0] || 0}); }},
      make('td', {class: 'mono'}, kernel.symbol), make('td', {class: 'right'}, String(kernel.instructions)),
      make('td', {}, make('span', {class: 'bars', style: `width:${(80 * kernel.instructions / most).toFixed(1)}px`})),
      make('td', {class: 'mono wide'}, kernel.lines.join(', '))))))));
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory: the arena's buffers over the operations, the cache, weights by type and by name.

/** "1.5 MiB" */
function inBytes(bytes) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** unit;
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

const sourceOf = (lines) => lines.map((line) => `${line}: ${(report.source.lines[line - 1] || '').trim()}`).join('\n');

/** Operations from left to right, addresses upwards: a buffer is as wide as its life and as high as its bytes. */
function arenaPicture(entry) {
  const width = Math.max(30, Math.min(70, 900 / entry.steps.length)), left = 64, top = 18, high = 300, bottom = 24;
  const size = {w: left + width * entry.steps.length + 12, h: top + high + bottom};
  const whole = Math.max(...entry.buffers.map((buffer) => buffer.offset + buffer.bytes), 1);
  const x = (step) => left + width * step, y = (address) => top + high * (1 - address / whole);
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
    make('path', {class: 'grid', d: `M${left},${y(part * whole)}H${size.w - 12}`}),
    make('text', {class: 'small', x: left - 6, y: y(part * whole) + 4, 'text-anchor': 'end'}, inBytes(part * whole))]);
  const loops = entry.loops.flatMap(([first, last]) => [
    make('rect', {class: 'loop', x: x(first), y: top, width: width * (last + 1 - first), height: high}),
    make('text', {class: 'small', x: x(first) + 4, y: top - 5}, 'for each layer')]);
  const steps = entry.steps.map((step, i) => make('g', {class: `node ${step.lines.includes(state.line) ? 'lit' : ''}`,
      click: () => { if (step.lines.length) go({line: step.lines[0]}); }},
    make('title', {}, `${i}: ${step.name}\n${inBytes(step.alive)} alive\n${sourceOf(step.lines)}`),
    make('rect', {class: 'step', x: x(i), y: top + high, width, height: bottom}),
    make('text', {class: 'small', x: x(i) + width / 2, y: top + high + 16, 'text-anchor': 'middle'}, String(i))));
  const boxes = entry.buffers.map((buffer) => {
    const wide = width * (buffer.last + 1 - buffer.first), high_ = y(buffer.offset) - y(buffer.offset + buffer.bytes);
    const letters = Math.floor((wide - 10) / 6.7);
    return make('g', {class: `node buffer ${buffer.lines.includes(state.line) ? 'lit' : ''}`,
        click: () => { if (buffer.lines.length) go({line: buffer.lines[0]}); }},
      make('title', {}, `${buffer.operation}\n${buffer.type}, ${buffer.bytes.toLocaleString('en')} bytes at ` +
        `${buffer.offset.toLocaleString('en')}, operations ${buffer.first} to ${buffer.last}\n${sourceOf(buffer.lines)}`),
      make('rect', {x: x(buffer.first) + 1, y: y(buffer.offset + buffer.bytes) + 0.5, width: wide - 2, height: Math.max(high_ - 1, 1)}),
      high_ > 14 && letters > 5 ? make('text', {x: x(buffer.first) + 6, y: y(buffer.offset + buffer.bytes / 2) + 4},
        buffer.operation.length > letters ? buffer.operation.slice(0, letters - 1) + '…' : buffer.operation) : undefined);
  });
  const alive = entry.steps.map((step, i) => `${i ? 'L' : 'M'}${x(i)},${y(step.alive)}H${x(i + 1)}`).join('');
  return make('div', {class: 'scroll'}, make('svg', {class: 'graph', width: size.w, height: size.h, viewBox: `0 0 ${size.w} ${size.h}`,
    role: 'img', 'aria-label': `arena of @${entry.function}`}, loops, ticks, boxes, make('path', {class: 'roof', d: alive}), steps));
}

function bufferTable(entry) {
  return make('div', {class: 'scroll'}, make('table', {},
    make('thead', {}, make('tr', {}, ['offset', 'bytes', 'operations', 'buffer of', 'lines', 'type']
      .map((name, i) => make('th', {class: i < 3 ? 'right' : ''}, name)))),
    make('tbody', {}, entry.buffers.map((buffer) => make('tr', {class: buffer.lines.includes(state.line) ? 'picked' : ''},
      make('td', {class: 'right'}, buffer.offset.toLocaleString('en')), make('td', {class: 'right'}, buffer.bytes.toLocaleString('en')),
      make('td', {class: 'right'}, `${buffer.first}–${buffer.last}`), make('td', {class: 'mono'}, buffer.operation),
      make('td', {class: 'mono'}, buffer.lines.flatMap((line, i) => [i ? ', ' : '', goLine(line)])),
      make('td', {class: 'mono'}, buffer.type))))));
}

function weightTables() {
  const total = report.weights.reduce((sum, weight) => sum + weight.bytes, 0);
  const bar = (bytes) => make('td', {}, make('span', {class: 'bars', style: `width:${(120 * bytes / total).toFixed(1)}px`}));
  const right = (text) => make('td', {class: 'right'}, text);
  const measured = report.weights.some((weight) => weight.error !== undefined);
  const worst = Math.max(...report.weights.map((weight) => weight.error || 0), 1e-9);
  return [make('h2', {}, `Weights: ${inBytes(total)}`),
    make('table', {}, make('tbody', {}, Object.entries(report.bytesByType).sort((a, b) => b[1] - a[1]).map(([type, bytes]) =>
      make('tr', {}, make('td', {class: 'mono'}, type), right(bytes.toLocaleString('en')), bar(bytes))))),
    make('p', {class: 'hint'}, measured ? 'Errors are root mean squares of what quantizing changed, of each weight\'s own.'
                                        : 'Nothing was quantized by this compilation: no errors to show.'),
    make('div', {class: 'scroll'}, make('table', {},
      make('thead', {}, make('tr', {}, make('th', {}, 'weight'), make('th', {class: 'right'}, 'bytes'), make('th'),
        measured ? [make('th', {class: 'right'}, 'error'), make('th')] : [], make('th', {}, 'type of a layer'))),
      make('tbody', {}, report.weights.map((weight) => make('tr', {}, make('td', {class: 'mono'}, weight.name),
        right(weight.bytes.toLocaleString('en')), bar(weight.bytes),
        measured ? [right(weight.error === undefined ? '' : `${(100 * weight.error).toFixed(2)} %`),
          make('td', {}, weight.error ? make('span', {class: 'bars error', style: `width:${(60 * weight.error / worst).toFixed(1)}px`}) : '')] : [],
        make('td', {class: 'mono'}, weight.type))))))];
}

function drawMemory(main) {
  const {entries, arena, cache, cacheType} = report.memory;
  if (!entries.length) main.append(make('p', {}, 'This compilation ended before memory was planned.'));
  else {
    const entry = entries[state.entry];
    const select = make('select', {'aria-label': 'entry point', change: () => go({entry: Number(select.value)})},
      entries.map((e, i) => make('option', {value: i, selected: i === state.entry}, `@${e.function} for ${e.variant}`)));
    main.append(make('p', {}, `An arena of ${inBytes(arena)}` + (cache ? `, and a cache of ${inBytes(cache)} in ${cacheType}.` : '.')),
      make('div', {class: 'bar'}, select, make('span', {}, `${entry.buffers.length} buffers, ${inBytes(entry.all)} in all, ` +
        `${inBytes(entry.most)} alive at once (the line)`)),
      arenaPicture(entry),
      make('p', {class: 'hint'}, 'Operations from left to right, addresses upwards. A click selects the line.'), bufferTable(entry));
  }
  if (report.weights.length) main.append(...weightTables());
}

// ---------------------------------------------------------------------------------------------------------------------
// Graph: layers by longest path, order within a layer by the mean of what a node reads.

function layout(nodes) {
  const rank = new Map();
  for (const node of nodes)  // operations stand after what they read
    rank.set(node.id, Math.max(0, ...node.from.filter((f) => rank.has(f)).map((f) => rank.get(f) + 1)));
  // Weights and arguments stand right above their readers.
  for (const node of nodes) {
    const readers = nodes.filter((other) => other.from.includes(node.id));
    if (!node.from.some((f) => rank.has(f)) && readers.length)
      rank.set(node.id, Math.max(0, Math.min(...readers.map((other) => rank.get(other.id))) - 1));
  }
  const layers = [];
  for (const node of nodes) (layers[rank.get(node.id)] ??= []).push(node);
  const position = new Map();
  for (const layer of layers) {
    if (!layer) continue;
    const mean = (node) => {
      const known = node.from.map((f) => position.get(f)?.x).filter((x) => x !== undefined);
      return known.length ? known.reduce((a, b) => a + b, 0) / known.length : Infinity;
    };
    layer.map((node) => [mean(node), node]).sort((a, b) => a[0] - b[0]).forEach(([, node], i) => position.set(node.id, {x: i}));
  }
  return {layers: [...layers].map((layer) => layer || []), position};
}

function drawGraph(main) {
  if (!report.graphs.length) { main.append('No function is small enough to be drawn.'); return; }
  const choices = [];
  report.graphs.forEach((graph, g) => {
    const loops = [...new Set(graph.nodes.map((node) => node.parent))].filter((parent) => parent >= 0);
    loops.forEach((loop) => choices.push({g, loop, label: `${graph.stage}: @${graph.function}, a layer (line ${graph.nodes[loop].lines[0] ?? '?'})`}));
    choices.push({g, loop: -1, label: `${graph.stage}: @${graph.function}, around the layers`});
  });
  state.graph = Math.min(state.graph, choices.length - 1);
  const {g, loop} = choices[state.graph], graph = report.graphs[g];
  const select = make('select', {'aria-label': 'graph', change: () => go({graph: Number(select.value)})},
    choices.map((choice, i) => make('option', {value: i, selected: i === state.graph}, choice.label)));
  main.append(make('div', {class: 'bar'}, select, make('span', {class: 'hint'},
    'green and orange dots: rewrites applied and declined at that line; a click selects the line')));
  const nodes = graph.nodes.map((node, id) => ({...node, id})).filter((node) => node.parent === loop || node.id === loop);
  nodes.forEach((node) => { if (node.id === loop) { node.from = []; node.name = 'what the round before left'; } });
  const {layers} = layout(nodes);
  const width = 190, height = 40, gapX = 16, gapY = 26;
  const widest = Math.max(...layers.map((layer) => layer.length));
  const total = {w: widest * (width + gapX) + gapX, h: layers.length * (height + gapY) + gapY};
  const at = new Map();
  layers.forEach((layer, y) => {
    const left = (total.w - layer.length * (width + gapX) + gapX) / 2;
    const order = layer.map((node) => {
      const known = node.from.map((f) => at.get(f)?.x).filter((x) => x !== undefined);
      return [known.length ? known.reduce((a, b) => a + b, 0) / known.length : 1e9, node];
    }).sort((a, b) => a[0] - b[0]);
    order.forEach(([, node], i) => at.set(node.id, {x: left + i * (width + gapX), y: gapY + y * (height + gapY)}));
  });
  const edges = nodes.flatMap((node) => node.from.filter((f) => at.has(f)).map((f) => {
    const a = at.get(f), b = at.get(node.id), x1 = a.x + width / 2, y1 = a.y + height, x2 = b.x + width / 2, y2 = b.y;
    return make('path', {d: `M${x1},${y1}C${x1},${y1 + gapY} ${x2},${y2 - gapY} ${x2},${y2}`});
  }));
  const boxes = nodes.map((node) => {
    const {x, y} = at.get(node.id);
    const kinds = new Set(report.remarks.filter((remark) => remark.places.some(([, line]) => node.lines.includes(line))).map((remark) => remark.kind));
    const cut = (text, n) => text.length > n ? text.slice(0, n - 1) + '…' : text;
    const source = node.lines.map((line) => `${line}: ${(report.source.lines[line - 1] || '').trim()}`).join('\n');
    return make('g', {class: `node ${node.label ? 'weight' : ''} ${node.lines.includes(state.line) ? 'lit' : ''}`,
        click: () => { if (node.lines.length) go({line: node.lines[0]}); }},
      make('title', {}, `${node.name} ${node.label}\n${node.type}\n${source}`),
      make('rect', {x, y, width, height, rx: 5}),
      make('text', {x: x + 8, y: y + 16}, cut(node.label || node.name, 26)),
      make('text', {x: x + 8, y: y + 31, class: 'small'}, cut(node.type, 30)),
      ['fused', 'missed'].filter((kind) => kinds.has(kind)).map((kind, i) => make('circle', {class: kind, cx: x + width - 9 - 10 * i, cy: y + 10, r: 4})));
  });
  main.append(make('div', {class: 'scroll'}, make('svg', {class: 'graph', width: total.w, height: total.h,
    viewBox: `0 0 ${total.w} ${total.h}`, role: 'img', 'aria-label': `graph of @${graph.function}`}, edges, boxes)));
  if (state.line) main.append(make('p', {class: 'mono'}, `${state.line}: ${report.source.lines[state.line - 1] || ''}`));
}

// ---------------------------------------------------------------------------------------------------------------------
// Time: what a profile says of each operation, beside the limits of the machine it ran on.

const goLine = (line) => make('a', {href: '#', click: (event) => {
  event.preventDefault();
  event.stopPropagation();
  go({view: 'provenance', line});
}}, String(line));

/** Milliseconds that an operation would take less at the limit. */
const gainOf = (operation) => operation.limit ? Math.max(0, operation.ns * (1 - operation.ofLimit)) * 1e-6 : 0;

function timeTable(phase) {
  const longest = Math.max(...phase.operations.map((operation) => operation.ns), 1);
  const total = phase.seconds * 1e9;
  const cell = (value, digits) => make('td', {class: 'right'}, value > 0 ? value.toFixed(digits) : '');
  const rest = (name, ns) => make('tr', {class: 'same'}, make('td', {class: 'mono'}, name), make('td'), make('td'),
    cell(ns * 1e-6, 3), make('td', {class: 'right'}, `${(100 * ns / total).toFixed(1)} %`));
  return make('div', {class: 'scroll'}, make('table', {},
    make('thead', {}, make('tr', {}, ['operation', 'line', 'calls', 'ms', 'share', '', 'GOP/s', 'GB/s', 'of limit', 'ms to gain']
      .map((name, i) => make('th', {class: i > 1 && i !== 5 ? 'right' : ''}, name)))),
    make('tbody', {}, phase.operations.map((operation) => make('tr', {class: state.line && operation.line === state.line ? 'picked' : ''},
      make('td', {class: 'mono'}, operation.name), make('td', {class: 'mono'}, operation.line ? goLine(operation.line) : ''),
      make('td', {class: 'right'}, String(operation.calls)), cell(operation.ns * 1e-6, 3),
      make('td', {class: 'right'}, `${(100 * operation.ns / total).toFixed(1)} %`),
      make('td', {}, make('span', {class: 'bars', style: `width:${(80 * operation.ns / longest).toFixed(1)}px`})),
      cell(operation.operations / operation.ns, 1), cell(operation.bytes / operation.ns, 1),
      make('td', {class: 'right'}, operation.limit ? `${Math.round(100 * operation.ofLimit)} % ${operation.limit}` : ''),
      cell(gainOf(operation), 3))),
      rest('between operations', phase.between), rest('outside the model', phase.outside))));
}

/** Operations a second over operations for a byte read, both in powers of ten: under the slope memory is the limit
 *  (Williams, Waterman and Patterson 2009, doi:10.1145/1498765.1498785). */
function roofline(phase) {
  const points = phase.operations.filter((operation) => operation.operations > 0 && operation.bytes > 0)
    .map((operation) => ({operation, x: operation.operations / operation.bytes, y: operation.operations / operation.ns}));
  const read = (phase.limits.read || 0) / 1e9;
  const roofs = Object.entries(phase.limits).filter(([name]) => name !== 'read' && points.some(({operation}) => operation.limit === name));
  if (!roofs.length && phase.limits.fma) roofs.push(['fma', phase.limits.fma]);
  if (!points.length || !read || !roofs.length) return undefined;
  const xs = points.map(({x}) => x), ys = [...points.map(({y}) => y), ...roofs.map(([, rate]) => rate / 1e9)];
  const low = [Math.floor(Math.log10(Math.min(...xs, 1))), Math.floor(Math.log10(Math.min(...ys)))];
  const high = [Math.ceil(Math.log10(Math.max(...xs) * 1.5)), Math.ceil(Math.log10(Math.max(...ys) * 1.5))];
  const width = 640, height = 360, left = 56, bottom = 40, right = 24;
  const px = (x) => left + (Math.log10(x) - low[0]) / (high[0] - low[0]) * (width - left - right);
  const py = (y) => height - bottom - (Math.log10(y) - low[1]) / (high[1] - low[1]) * (height - bottom - 12);
  const label = (x, y, anchor, text) => make('text', {x, y, 'text-anchor': anchor, class: 'small'}, text);
  const ticks = [];
  for (let e = low[0]; e <= high[0]; ++e)
    ticks.push(make('path', {class: 'grid', d: `M${px(10 ** e)},12V${height - bottom}`}),
      label(px(10 ** e), height - bottom + 16, 'middle', String(10 ** e)));
  for (let e = low[1]; e <= high[1]; ++e)
    ticks.push(make('path', {class: 'grid', d: `M${left},${py(10 ** e)}H${width - right}`}), label(left - 6, py(10 ** e) + 4, 'end', String(10 ** e)));
  const first = Math.max(10 ** low[0], 10 ** low[1] / read), highest = Math.max(...roofs.map(([, rate]) => rate / 1e9));
  const lines = [make('path', {class: 'roof', d: `M${px(first)},${py(first * read)}L${px(highest / read)},${py(highest)}`}),
    label(px(first) + 8, py(first * read) - 12, 'start', `read ${read.toFixed(1)} GB/s`)];
  for (const [name, rate] of roofs)
    lines.push(make('path', {class: 'roof', d: `M${px(rate / 1e9 / read)},${py(rate / 1e9)}H${width - right}`}),
      label(width - right - 4, py(rate / 1e9) - 5, 'end', `${name} ${(rate / 1e9).toFixed(0)} GOP/s`));
  const longest = Math.max(...points.map(({operation}) => operation.ns));
  const dots = points.map(({operation, x, y}) => make('g', {class: `node ${state.line && operation.line === state.line ? 'lit' : ''}`,
      click: () => { if (operation.line) go({line: operation.line}); }},
    make('title', {}, `${operation.name}\n${y.toFixed(1)} GOP/s, ${x.toFixed(1)} operations a byte` +
      (operation.limit ? `, ${Math.round(100 * operation.ofLimit)} % of ${operation.limit}` : '')),
    make('circle', {class: 'point', cx: px(x), cy: py(y), r: 4 + 8 * Math.sqrt(operation.ns / longest)})));
  return make('div', {class: 'scroll'}, make('svg', {class: 'graph', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img',
      'aria-label': `roofline of ${phase.name}`}, ticks, lines, dots,
    label(width / 2, height - 6, 'middle', 'operations for a byte read from memory'), label(left + 4, 10, 'start', 'GOP/s')));
}

function drawTime(main) {
  if (!report.profile) {
    main.append(make('p', {}, 'No profile was given. ', make('span', {class: 'mono'}, 'PROGRAM bench --profile --json >profile.json'),
      ' measures one, and ', make('span', {class: 'mono'}, 'tenonc … --report-profile=profile.json'), ' shows it here.'));
    return;
  }
  main.append(make('p', {class: 'mono'}, `kernels for ${report.profile.kernels} · threads ${report.profile.threads}`));
  for (const phase of report.profile.phases) {
    const gain = phase.operations.reduce((sum, operation) => sum + gainOf(operation), 0), ms = phase.seconds * 1e3;
    main.append(make('h2', {}, `${phase.name[0].toUpperCase()}${phase.name.slice(1)}: ${phase.tokensPerSecond.toFixed(1)} tokens a second`),
      make('p', {}, Object.keys(phase.limits).length ? `With every operation at its limit: ${(ms - gain).toFixed(2)} ms instead of ${ms.toFixed(2)} ms.`
                                                      : 'The limits of the machine were not measured: `tenon-bench limits` does it once.'),
      timeTable(phase));
    const picture = roofline(phase);
    if (picture) main.append(make('p', {class: 'hint'}, 'Circles are operations, larger for those that take longer; lines are the limits.'), picture);
  }
}

/** Microseconds of a call of each operation here and there. */
function compareTimes(a, b) {
  return a.phases.filter((phase) => b.phases.some((p) => p.name === phase.name)).flatMap((phase) => {
    const twin = b.phases.find((p) => p.name === phase.name);
    const perCall = (operation) => operation.ns / operation.calls * 1e-3;
    const rows = phase.operations.map((operation) => {
      const there = twin.operations.find((o) => o.name === operation.name && o.line === operation.line);
      return make('tr', {}, make('td', {class: 'mono'}, operation.name), make('td', {class: 'right'}, perCall(operation).toFixed(2)),
        make('td', {class: 'right'}, there ? perCall(there).toFixed(2) : ''),
        make('td', {class: 'right'}, there ? (perCall(there) / perCall(operation)).toFixed(2) : ''));
    });
    return [make('h2', {}, `Time of ${phase.name}: ${phase.tokensPerSecond.toFixed(1)} tokens a second here, ${twin.tokensPerSecond.toFixed(1)} there`),
      make('table', {}, make('thead', {}, make('tr', {}, ['operation', 'us a call here', 'there', 'ratio']
        .map((name, i) => make('th', {class: i ? 'right' : ''}, name)))), make('tbody', {}, rows))];
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Comparison with the page or the data of another compilation.

let other;

/** [kind, sentence] for each thing in which two reports differ; the first pass where they part comes first. */
function compareReports(a, b) {
  const found = [];
  const key = (pass) => `${pass.stage} ${pass.name}`;
  const length = Math.max(a.passes.length, b.passes.length);
  for (let i = 0; i < length; ++i) {
    const p = a.passes[i], q = b.passes[i];
    if (!p || !q || key(p) !== key(q)) {
      found.push(['first', `pass ${i}: ${p ? passName(p) : 'none'} here, ${q ? passName(q) : 'none'} there`]);
      break;
    }
    if (p.changed !== q.changed || JSON.stringify(a.texts[p.text].operations) !== JSON.stringify(b.texts[q.text].operations)) {
      found.push(['first', `the reports part at pass ${i}, ${passName(p)}: ${p.changed ? 'it changed the module' : 'nothing changed'} here, ` +
        `${q.changed ? 'it changed the module' : 'nothing changed'} there`]);
      break;
    }
  }
  const names = (r) => new Map(r.passes.map((pass) => [key(pass), pass]));
  for (const [name] of names(a)) if (!names(b).has(name)) found.push(['pass', `${name} ran here only`]);
  for (const [name] of names(b)) if (!names(a).has(name)) found.push(['pass', `${name} ran there only`]);
  const codes = (r) => new Map(r.kernels.map((kernel) => [kernel.symbol, kernel]));
  for (const [symbol, kernel] of codes(a)) {
    const twin = codes(b).get(symbol);
    if (!twin) found.push(['kernel', `${symbol} is here only`]);
    else if (twin.code.join('\n') !== kernel.code.join('\n'))
      found.push(['kernel', `${symbol}: ${kernel.instructions} instructions here, ${twin.instructions} there`]);
  }
  for (const [symbol] of codes(b)) if (!codes(a).has(symbol)) found.push(['kernel', `${symbol} is there only`]);
  const bytes = (r) => r.weights.reduce((sum, weight) => sum + weight.bytes, 0);
  for (const what of ['arena', 'cache'])
    if (a.memory[what] !== b.memory[what])
      found.push(['memory', `${what}: ${a.memory[what].toLocaleString('en')} bytes here, ${b.memory[what].toLocaleString('en')} there`]);
  if (bytes(a) !== bytes(b)) found.push(['weights', `${bytes(a).toLocaleString('en')} bytes here, ${bytes(b).toLocaleString('en')} there`]);
  return found;
}

function drawCompare(main) {
  const input = make('input', {type: 'file', accept: '.html,.json', 'aria-label': 'another report', change: async () => {
    const text = await input.files[0].text();
    const data = /<script id="data"[^>]*>([^<]*)</.exec(text);
    try {
      other = prepare(data ? await unpack(data[1]) : JSON.parse(text));
      draw();
    } catch (error) {
      main.append(make('p', {class: 'missed'}, `${input.files[0].name} is no report: ${error.message}`));
    }
  }});
  main.append(make('div', {class: 'bar'}, 'Another report (its page, or its data):', input));
  if (!other) return;
  main.append(make('p', {}, `here ${report.title}, there ${other.title}`));
  const found = compareReports(report, other);
  main.append(make('table', {}, make('tbody', {}, (found.length ? found : [['', 'nothing differs but times']]).map(([kind, text]) =>
    make('tr', {}, make('td', {class: kind === 'first' ? 'missed' : ''}, kind), make('td', {}, text))))));
  if (report.profile && other.profile) main.append(...compareTimes(report.profile, other.profile));
  const rows = report.passes.map((pass, i) => [pass, other.passes[i]]).filter(([p, q]) => q && p.name === q.name);
  main.append(make('h2', {}, 'Time of passes'), make('table', {}, make('thead', {}, make('tr', {}, make('th', {}, 'pass'),
    make('th', {class: 'right'}, 'ms here'), make('th', {class: 'right'}, 'ms there'))), make('tbody', {}, rows.map(([p, q]) =>
    make('tr', {}, make('td', {class: 'mono'}, passName(p)), make('td', {class: 'right'}, p.ms.toFixed(2)), make('td', {class: 'right'}, q.ms.toFixed(2)))))));
}

// ---------------------------------------------------------------------------------------------------------------------

const views = {pipeline: ['Pipeline', drawPipeline], provenance: ['Provenance', drawProvenance], graph: ['Graph', drawGraph],
  remarks: ['Remarks', drawRemarks], kernels: ['Kernels', drawKernels], memory: ['Memory', drawMemory], time: ['Time', drawTime], compare: ['Compare', drawCompare]};

function draw() {
  $('title').textContent = `Tenon: ${report.title}`;
  document.title = `Tenon: ${report.title}, ${views[state.view][0].toLowerCase()}`;
  $('views').replaceChildren(...Object.entries(views).map(([name, [label]], i) => make('button', {type: 'button', role: 'tab',
    'aria-selected': String(name === state.view), title: `${label} (${i + 1})`, click: () => go({view: name})}, label)));
  $('main').className = '';
  $('main').replaceChildren();
  views[state.view][1]($('main'));
  if ($('search').value !== state.query) $('search').value = state.query;
  const hits = state.query ? textOf(report.passes[state.pass]).lines.filter((text) => isHit({text})).length : 0;
  $('found').textContent = state.query ? `${hits} lines of IR after this pass` : '';
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches('input, select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const number = Number(event.key);
  if (number >= 1 && number <= Object.keys(views).length) go({view: Object.keys(views)[number - 1]});
  else if (event.key === 'j' && state.pass + 1 < report.passes.length) go({pass: state.pass + 1, against: passBefore(state.pass + 1)});
  else if (event.key === 'k' && state.pass > 0) go({pass: state.pass - 1, against: passBefore(state.pass - 1)});
  else if (event.key === 't') setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
  else if (event.key === '/') { event.preventDefault(); $('search').focus(); }
  else if (event.key === 'Escape') go({line: 0, query: ''});
}

async function main() {
  setTheme(matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  report = prepare(await unpack($('data').textContent));
  readAddress();
  draw();
  addEventListener('hashchange', () => { readAddress(); draw(); });
  addEventListener('keydown', onKey);
  $('theme').addEventListener('click', () => setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));
  $('search').addEventListener('input', () => go({query: $('search').value}));
}
main();

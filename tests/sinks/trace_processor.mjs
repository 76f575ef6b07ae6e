// SPDX-License-Identifier: BSD-2-Clause
// Perfetto's own trace processor, run by node: reads a trace and answers queries.
// Usage: node trace_processor.mjs ASSETS TRACE < ["SELECT ...", ...]	> [[{column: value}, ...], ...]
//
// ASSETS holds the processor as wasm, the script that starts it (made for a browser's worker) and the module that
// speaks with it. What a worker would bring along stands in here.
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

const [assets, trace] = process.argv.slice(2);

function startBridge() {
	let script = readFileSync(path.join(assets, "engine_bundle.node.js"), "utf8");
	const change = (from, to) => {
		if (!script.includes(from))
			throw new Error(`the processor's script is another one: it lacks ${from}`);
		script = script.replace(from, to);
	};
	change("this.useMemory64 = hasMemory64Support()", "this.useMemory64 = false");
	change("locateFile: (s) => s,", "locateFile: (s) => s, wasmBinary: globalThis.processorWasm,");
	change("const wasmBridge = new wasm_bridge_1.WasmBridge()",
		"const wasmBridge = globalThis.processorBridge = new wasm_bridge_1.WasmBridge()");

	globalThis.self = globalThis;
	globalThis.WorkerGlobalScope = function () {};
	globalThis.location = { href: pathToFileURL(assets).href + "/" };
	globalThis.processorWasm = readFileSync(path.join(assets, "trace_processor.wasm"));
	vm.runInThisContext(script);
	return globalThis.processorBridge;
}

async function connect() {
	const { EngineBase } = await import(pathToFileURL(path.join(assets, "engine.mjs")).href);
	const bridge = startBridge(), channel = new MessageChannel();
	class Engine extends EngineBase {
		mode = "WASM";
		id = "test";
		rpcSendRequestBytes(bytes) {
			channel.port2.postMessage(bytes);
		}
		fail(reason) {
			throw new Error(reason);
		}
		[Symbol.dispose]() {
			channel.port2.close();
		}
	}
	const engine = new Engine();
	channel.port2.onmessage = (message) => engine.onRpcResponseBytes(message.data);
	while (!bridge.reqBufferAddr) // set when the processor is up
		await new Promise((resolve) => setTimeout(resolve, 10));
	bridge.initialize(channel.port1);
	return engine;
}

function rowsOf(result) {
	const columns = result.columns(), rows = [];
	for (const it = result.iter({}); it.valid(); it.next())
		rows.push(Object.fromEntries(columns.map((name) => [name, it.get(name)])));
	return rows;
}

console.log = console.warn = (...what) => console.error(...what); // stdout is for the answers
const engine = await connect(), bytes = new Uint8Array(readFileSync(trace)), chunk = 32 << 20;
for (let at = 0; at < bytes.length; at += chunk)
	await engine.parse(bytes.slice(at, at + chunk));
await engine.notifyEof();
const answers = [];
for (const sql of JSON.parse(readFileSync(0, "utf8"))) {
	const result = await engine.query(sql);
	if (result.error())
		throw new Error(`${sql}: ${result.error()}`);
	answers.push(rowsOf(result));
}
const text = JSON.stringify(answers, (_, value) => (typeof value === "bigint" ? Number(value) : value));
process.stdout.write(text, () => process.exit(0)); // not before all of it is out

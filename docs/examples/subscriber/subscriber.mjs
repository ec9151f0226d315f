// A node in JavaScript, written after docs/protocol.md alone: prints each final utterance as a line of
// JSON, and ends with the pipeline; with exit code 1 where that vanished.
//
//     npm ci
//     node subscriber.mjs ipc:///PATH [NAME]        (or tcp://HOST:PORT, as the hub prints it)

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { decode, encode } from "@msgpack/msgpack";
import { Dealer, Publisher, Subscriber } from "zeromq";

const [address, name = "subscriber"] = process.argv.slice(2);
const WIRE = { useBigInt64: true }; // nanoseconds do not fit into a Number
const NOTHING = Buffer.alloc(0);
const ENDS_WITH = "fusion"; // the kind of node that all utterances come from
const SILENT_MS = 10_000; // own heartbeats come back every second: without any, the hub is gone
const STOPPED_MS = 2_000; // the same when all were asked to stop: its last word may be lost

function endpoint(place) {
  const places = ["bulk-in", "bulk-out", "events-in", "events-out", "clock"];
  if (address.startsWith("ipc://")) return `${address}.${place}`;
  const [, host, port] = address.match(/^(tcp:\/\/.+):(\d+)$/);
  return `${host}:${Number(port) + places.indexOf(place)}`;
}

function clockName() {
  const boot = "/proc/sys/kernel/random/boot_id";
  if (!existsSync(boot)) return `host:${hostname()}`;
  const bootId = readFileSync(boot, "utf8").trim();
  const space = "/proc/self/ns/time";
  return existsSync(space) ? `${bootId}/${readlinkSync(space).match(/\d+/)[0]}` : bootId;
}

/** What relates this process's clock (process.hrtime) to the hub's. */
async function askForTheTime() {
  const dealer = new Dealer({ linger: 0, receiveTimeout: 10_000 });
  dealer.connect(endpoint("clock"));
  const sent = process.hrtime.bigint();
  await dealer.send("what time is it?");
  const [, answer] = await dealer.receive();
  const back = process.hrtime.bigint();
  const [arrived, left, hubsClock] = decode(answer, WIRE);
  dealer.close();
  const clock = clockName();
  if (hubsClock === clock) return { clock, offset_ns: 0, bound_ns: 0 };
  const offset_ns = (BigInt(arrived) - sent + BigInt(left) - back) / 2n;
  return { clock, offset_ns, bound_ns: null };
}

const topicPart = (topic) => Buffer.from(`${topic}\0`);
const incarnation = BigInt(Date.now()) * 1_000_000n;
const sentOn = new Map();

async function publish(publisher, topic, body) {
  const seq = sentOn.get(topic) ?? 0;
  sentOn.set(topic, seq + 1);
  const header = encode({ sender: name, incarnation, seq, body }, WIRE);
  await publisher.send([topicPart(topic), header, NOTHING]);
}

/** Until an own message has come back: from then on nothing is missed. Returns what else came. */
async function join(subscriber, publisher) {
  const echo = `echo ${randomUUID()}`;
  const early = [];
  subscriber.subscribe(echo);
  subscriber.receiveTimeout = 20;
  for (;;) {
    await publisher.send([echo, NOTHING, NOTHING]);
    try {
      const parts = await subscriber.receive();
      if (parts[0].toString() === echo) break;
      early.push(parts);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
  subscriber.unsubscribe(echo);
  subscriber.receiveTimeout = -1;
  return early;
}

const seconds = (stamp) => Number(stamp.captured_ns) / 1e9;
const lastSeq = new Map();
let rejected = 0;

/** The message in three parts; it throws where they are none, or came before. */
function read([topicPart, header, payload, ...more]) {
  if (payload === undefined || more.length) throw new Error("not three parts");
  const topic = topicPart.toString().slice(0, -1);
  const { sender, incarnation, seq, body } = decode(header, WIRE);
  const stream = JSON.stringify([topic, sender, String(incarnation)]);
  const last = lastSeq.get(stream) ?? Number(seq) - 1;
  if (!(Number(seq) > last)) throw new Error("no number, or an old one");
  if (Number(seq) > last + 1) console.error(`${topic} of ${sender}: ${Number(seq) - last - 1} lost`);
  lastSeq.set(stream, Number(seq));
  return { topic, sender, body };
}

function printUtterance(body) {
  const { id, source, onset, offset, status, label, probabilities, dt_ns, settled } = body;
  const record = {
    id,
    source,
    onset_s: seconds(onset),
    offset_s: offset && seconds(offset),
    status,
    label,
    probabilities,
    dt_ms: dt_ns === null ? null : Number(dt_ns) / 1e6,
    settled,
  };
  console.log(JSON.stringify(record));
}

const subscriber = new Subscriber({ receiveHighWaterMark: 10_000, linger: 0 });
const publisher = new Publisher({ sendHighWaterMark: 10_000, linger: 500 });
subscriber.connect(endpoint("events-out"));
publisher.connect(endpoint("events-in"));
subscriber.subscribe(topicPart("utterances"), topicPart("heartbeat"), topicPart("control"));

const early = await join(subscriber, publisher);
const known = await askForTheTime();
const beat = (state) => {
  const stamp = { captured_ns: process.hrtime.bigint(), ...known };
  return publish(publisher, "heartbeat", { stamp, node: name, state, pid: process.pid, rejected });
};
await beat("running");
const beating = setInterval(() => beat("running"), 1000);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => subscriber.close());

let stopped = false;

async function* arrivals() {
  yield* early;
  subscriber.receiveTimeout = SILENT_MS;
  try {
    yield* subscriber;
  } catch (error) {
    if (error.code !== "EAGAIN") throw error;
    publisher.linger = 0; // nobody is there to fetch what was sent last
    if (stopped) return;
    console.error(`the hub at ${address} is silent`);
    process.exitCode = 1;
  }
}

for await (const parts of arrivals()) {
  try {
    const { topic, sender, body } = read(parts);
    if (topic === "utterances" && body.final) printUtterance(body);
    if (topic === "control" && body.action === "stop") {
      stopped = true;
      subscriber.receiveTimeout = STOPPED_MS;
    }
    const ends = sender === "hub" || (body.kind || sender) === ENDS_WITH;
    if (topic === "heartbeat" && ends && body.state === "closing") break;
  } catch {
    rejected += 1; // whatever a stranger sends is no reason to end
  }
}

clearInterval(beating);
await beat("closing");
subscriber.close();
publisher.close();

/** A fault that the schedule of a run can hold. */
export type FaultKind = keyof typeof faultKinds

/** Whose trouble it is: of one program, or of everybody. */
type Reach = "worker" | "gateway" | "nats"

interface Description {
  readonly reach: Reach
  /** what is done */
  readonly text: string
  readonly topology: "single" | "cluster" | "any"
  /** whether a call may run again because of it; an orderly restart, for one, is no excuse */
  readonly mayRepeat: boolean
  /** how long after its end it still explains a repetition, milliseconds */
  readonly aftermath: number
}

/** Long enough for clients to connect again and for what they had to say to arrive. */
const RECONNECT = 1_000
/** A Raft group may take so long to agree on a leader after its members are together again. */
const ELECTION = 5_000

const ofWorker = (text: string, aftermath = 0): Description => ({
  reach: "worker",
  text,
  topology: "any",
  mayRepeat: true,
  aftermath
})
const ofGateway = (text: string): Description => ({
  reach: "gateway",
  text,
  topology: "any",
  mayRepeat: false,
  aftermath: 0
})
const ofNats = (text: string, topology: Description["topology"], aftermath: number): Description => ({
  reach: "nats",
  text,
  topology,
  mayRepeat: true,
  aftermath
})

/** Every kind of fault; runs draw from this list in its order. */
const faultKinds = {
  "worker-killed": ofWorker("a worker is killed (-9) at a random moment"),
  "server-killed": ofNats("nats-server is killed (-9) and started on the same store", "single", RECONNECT),
  "worker-killed-delivered": ofWorker("a worker is killed when a call has just been delivered to it"),
  "gateway-killed-confirmed": ofGateway(
    "a gateway is killed when JetStream has confirmed a call, before the 202"
  ),
  "worker-stopped": ofWorker(
    "a worker is stopped (SIGSTOP) for longer than ack_wait, then continued",
    RECONNECT
  ),
  "worker-killed-dead-sent": ofWorker(
    "a worker is killed when it has sent a dead letter, before it is confirmed"
  ),
  "worker-killed-dead-lost": ofWorker(
    "a dead letter does not arrive, and its worker is killed before it can notice"
  ),
  "server-stopped": ofNats("nats-server is stopped (SIGSTOP) for 1 to 5 s", "single", RECONNECT),
  "worker-killed-dead-confirmed": ofWorker(
    "a worker is killed when a dead letter is confirmed, before it acknowledges the call"
  ),
  "stream-limit": { ...ofNats("the stream reaches its limit and refuses calls", "any", 0), mayRepeat: false },
  "worker-killed-ack-lost": ofWorker("a worker is killed at an acknowledgement, which does not leave it"),
  "connections-cut": ofNats(
    "connections of a worker or gateway are cut in the middle of a frame",
    "any",
    RECONNECT
  ),
  "worker-killed-ack-sent": ofWorker("a worker is killed when it has acknowledged a call"),
  "delivery-repeated": ofWorker("a delivered message is delivered twice by the wire", RECONNECT),
  "worker-killed-nak-sent": ofWorker("a worker is killed when it has given a call back"),
  "delivery-delayed": ofWorker(
    "a delivered message is held back on the wire for longer than ack_wait",
    RECONNECT
  ),
  "worker-killed-nak-lost": ofWorker("a worker is killed when it gives a call back, which does not leave it"),
  "consumer-deleted": ofNats("an operator deletes the consumer of a function", "any", RECONNECT),
  "workers-restarted": {
    ...ofWorker("rolling restart of all workers (SIGTERM, then a new one)"),
    mayRepeat: false
  },
  "gateways-restarted": ofGateway("rolling restart of all gateways (SIGTERM, then a new one)"),
  "gateway-killed": ofGateway("a gateway is killed (-9) at a random moment"),
  "acks-lost": ofWorker("acknowledgements of a worker are lost on the wire", RECONNECT),
  "publishes-lost": ofGateway("calls that a gateway publishes are lost on the wire"),
  "worker-killed-callback-lost": ofWorker(
    "a callback does not arrive in its stream, and its worker is killed before it can notice"
  ),
  "worker-killed-callback-sent": ofWorker(
    "a worker is killed when it has sent a callback to its stream, before it is confirmed"
  ),
  "worker-killed-callback-confirmed": ofWorker(
    "a worker is killed when a callback is confirmed by its stream, before it acknowledges the call"
  ),
  "worker-killed-ledger-lost": ofWorker(
    "an entry of the ledger does not arrive, and its worker is killed before it can notice"
  ),
  "worker-killed-ledger-sent": ofWorker(
    "a worker is killed when it has sent an entry of the ledger, before it is confirmed"
  ),
  "worker-killed-ledger-confirmed": ofWorker(
    "a worker is killed when an entry of the ledger is confirmed, before it gives the call back"
  ),
  "worker-killed-callback-ack-lost": ofWorker(
    "a worker is killed when a receiver has taken a callback, before the callback is acknowledged"
  ),
  "worker-killed-callback-nak-lost": ofWorker(
    "a worker is killed when it gives a callback back, which does not leave it"
  ),
  "receiver-down": {
    ...ofNats("the receiver of callbacks answers 503 for a while", "any", RECONNECT),
    mayRepeat: false
  },
  "leader-killed": ofNats(
    "the leader of the stream in a cluster of three is killed (-9) and started again",
    "cluster",
    ELECTION
  ),
  "node-partitioned": ofNats("one node of a cluster of three is cut off from the others", "cluster", ELECTION)
} as const satisfies Record<string, Description>

export const kinds = Object.keys(faultKinds) as ReadonlyArray<FaultKind>

export const describe = (kind: FaultKind): Description => faultKinds[kind]

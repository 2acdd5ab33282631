import * as SharedLane from "./SharedLane.ts"
import * as StreamCreation from "./StreamCreation.ts"

/**
 * How a queue's calls are divided: `function`, one consumer for each function that has work; `static`, one shared
 * consumer for all. A work queue refuses consumers that overlap, so a queue is in one mode at a time, and the
 * consumers on its stream say in which.
 */
export type ScalingMode = "function" | "static"

export const other = (mode: ScalingMode): ScalingMode => (mode === "function" ? "static" : "function")

/** The mode that a consumer of the stream created then belongs to; undefined when it is a stranger's. */
export const ofConsumer = (name: string, streamCreated: string): ScalingMode | undefined => {
  if (name === SharedLane.consumerName(streamCreated)) return "static"
  return name.endsWith(`=${StreamCreation.token(streamCreated)}`) ? "function" : undefined
}

/** Those of the consumers that are of the mode which the given one is not of. */
export const rivalsOf = (
  consumer: string,
  consumers: ReadonlyArray<string>,
  streamCreated: string
): ReadonlyArray<string> => {
  const mode = ofConsumer(consumer, streamCreated)
  return mode === undefined ? [] : consumers.filter((name) => ofConsumer(name, streamCreated) === other(mode))
}

/** A worker of the other mode, as it tells of itself. */
export type Rival = "waiting" | "serving"

/**
 * Whether a rival keeps a worker of this mode from beginning to serve. One that serves does; of two that wait, the
 * one of the mode in force goes first, and where there is none, the one of function mode.
 */
export const yieldsTo = (mode: ScalingMode, inForce: ScalingMode | undefined, rival: Rival): boolean =>
  rival === "serving" || (inForce ?? "function") !== mode

/** For how long rivals are asked for, before nobody's answer means that there is none, milliseconds. */
export const patience = (mode: ScalingMode, inForce: ScalingMode | undefined): number =>
  inForce === other(mode) ? RIVAL_MILLIS : IDLE_RIVAL_MILLIS

/** A rival that was not heard of for so long is gone; it may have been reconnecting to NATS. */
export const RIVAL_MILLIS = 3_000

/** Without a consumer of theirs rivals have no work that could keep them from answering. */
const IDLE_RIVAL_MILLIS = 100

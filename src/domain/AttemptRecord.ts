import { Option, Schema } from "effect"

/**
 * What the ledger keeps about a call between its deliveries. JetStream's delivery count cannot tell: it rises with
 * every hand-back and with deliveries that never reached a worker, and is lost with the consumer.
 */
export interface AttemptRecord {
  /** requests to the function that have failed and count as attempts */
  readonly attempts: number
  /** deliveries that are taken to have ended with their worker, the first one on suspicion alone */
  readonly unfinished: number
  /** when the call may be tried again, milliseconds since 1970; 0 for at once */
  readonly notBefore: number
  readonly lastStatus?: number
  /** the delivery below has begun to execute a suspect call and nothing has been written since */
  readonly begun?: Company
  /** the consumer whose delivery wrote this, and how often that one had delivered the call */
  readonly consumer: string
  readonly deliveryCount: number
  /** names the write, so that one whose confirmation got lost is not made twice */
  readonly write: string
}

/** Whether a suspect call runs in a worker while others do, or is the only suspect there. */
export type Company = "together" | "alone"

/** A delivery of a call by a consumer, which is named by the time it was made (a token of nanoseconds, base 36). */
interface Handover {
  readonly consumer: string
  readonly deliveryCount: number
}

/** Which delivery reads or writes. */
export interface Reader extends Handover {
  /** the later one that it speaks for too, because the call came again while it was in hand */
  readonly renewal?: Handover | undefined
}

type Unsigned = Omit<AttemptRecord, "write">

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const schema = Schema.Struct({
  attempts: count,
  unfinished: count,
  notBefore: Schema.Finite,
  lastStatus: Schema.optionalKey(count),
  begun: Schema.optionalKey(Schema.Literals(["together", "alone"])),
  consumer: Schema.String,
  deliveryCount: count,
  write: Schema.String
})

const json = Schema.fromJsonString(schema)

export const encode = (record: AttemptRecord): string => JSON.stringify(record)

/** None for what is no record. */
export const decode: (text: string) => Option.Option<AttemptRecord> = Schema.decodeUnknownOption(json)

/**
 * The record for a call that goes to another consumer for good, which may be as old as the one that has delivered it
 * so far: none of the other's deliveries wrote this.
 */
export const ofNoDelivery = (record: AttemptRecord): AttemptRecord => ({
  ...record,
  consumer: "",
  deliveryCount: 0,
  write: ""
})

/** What the ledger means for a delivery of the call. */
export interface Standing {
  readonly attempts: number
  readonly unfinished: number
  /** how it is to be executed when it is a suspect: after `begun` was written, and with or without others */
  readonly suspect: Company | undefined
  /** It has taken down so many workers that it must not be executed again. */
  readonly poison: boolean
}

/**
 * How far apart the times of one consumer's creation may be, nanoseconds. nats-server 2.10 tells another one after a
 * restart (by 0.1 to 0.4 ms); a consumer is not deleted and made again as fast as that.
 */
const SAME_CONSUMER_NANOS = 100e6

const isSameConsumer = (one: string, other: string): boolean =>
  one === other || Math.abs(Number.parseInt(one, 36) - Number.parseInt(other, 36)) < SAME_CONSUMER_NANOS

const latest = (reader: Reader): Handover => reader.renewal ?? reader

/** The record is of a later delivery: somebody else has the call now. */
const isLater = (record: AttemptRecord, reader: Reader): boolean =>
  isSameConsumer(record.consumer, latest(reader).consumer) &&
  record.deliveryCount > latest(reader).deliveryCount

const isOf = (record: AttemptRecord, handover: Handover): boolean =>
  isSameConsumer(record.consumer, handover.consumer) && record.deliveryCount === handover.deliveryCount

/** The record was written for this very delivery. */
const isOfThis = (record: AttemptRecord, reader: Reader): boolean =>
  isOf(record, reader) || isOf(record, latest(reader))

/**
 * Deliveries of which nothing was written may have ended with their worker, or never have reached one. So they count
 * once in a call's life and make it a suspect; from then on it writes before it executes, and only what was begun
 * counts.
 */
const unfinishedBefore = (record: AttemptRecord | undefined, reader: Reader): number => {
  if (record === undefined) return reader.deliveryCount > 1 ? 1 : 0
  if (isLater(record, reader) || isOfThis(record, reader)) return record.unfinished
  if (record.begun !== undefined) return record.unfinished + 1
  const known = isSameConsumer(record.consumer, reader.consumer) ? record.deliveryCount : 0
  return record.unfinished === 0 && reader.deliveryCount > known + 1 ? 1 : record.unfinished
}

/** @param limit how many workers a call may take down */
export const standing = (record: AttemptRecord | undefined, reader: Reader, limit: number): Standing => {
  const unfinished = unfinishedBefore(record, reader)
  const wasAlone = record?.begun === "alone" && !isLater(record, reader) && !isOfThis(record, reader)
  return {
    attempts: record?.attempts ?? 0,
    unfinished,
    // Whoever dies with it may be its victim: the run that decides has to be without other suspects.
    suspect: unfinished === 0 ? undefined : unfinished + 1 < limit ? "together" : "alone",
    poison: unfinished >= limit && wasAlone
  }
}

/** How much the clocks of two workers may differ without delaying retries any further. */
const CLOCK_MILLIS = 100

/** It is delivered before its time, as after the loss of a consumer. */
export const isEarly = (record: AttemptRecord | undefined, nowMillis: number): boolean =>
  record !== undefined && record.notBefore - nowMillis > CLOCK_MILLIS

const next = (record: AttemptRecord | undefined, reader: Reader): Unsigned => {
  const unfinished = unfinishedBefore(record, reader)
  const { attempts = 0, notBefore = 0, lastStatus } = record ?? {}
  const kept = { attempts, notBefore, unfinished, ...(lastStatus === undefined ? {} : { lastStatus }) }
  if (record !== undefined && isLater(record, reader)) {
    const { consumer, deliveryCount, begun } = record
    return { ...kept, consumer, deliveryCount, ...(begun === undefined ? {} : { begun }) }
  }
  const { consumer, deliveryCount } = latest(reader)
  return { ...kept, consumer, deliveryCount }
}

/** A change of the record, by the delivery that reads it. */
export type Change = (record: AttemptRecord | undefined, reader: Reader) => Unsigned

/** A suspect call is about to be executed. */
export const begin =
  (company: Company): Change =>
  (record, reader) => ({ ...next(record, reader), begun: company })

/**
 * An attempt has failed, without a status when there was no answer; the next one is not before the time,
 * milliseconds since 1970.
 */
export const fail =
  (status: number | undefined, notBefore: number): Change =>
  (record, reader) => {
    const { lastStatus: _, ...unchanged } = next(record, reader)
    const answered = status === undefined ? {} : { lastStatus: status }
    return { ...unchanged, ...answered, attempts: unchanged.attempts + 1, notBefore }
  }

/** The delivery ends without an attempt and without blame. */
export const handBack =
  (notBefore: number): Change =>
  (record, reader) => {
    const unchanged = next(record, reader)
    return { ...unchanged, notBefore: Math.max(notBefore, unchanged.notBefore) }
  }

/** Whether the call is still the delivery's to settle after it has written the record. */
export const belongsTo = (record: AttemptRecord, reader: Reader): boolean => isOfThis(record, reader)

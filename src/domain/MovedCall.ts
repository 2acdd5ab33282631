import { Option, Schema } from "effect"
import * as AttemptRecord from "./AttemptRecord.ts"
import * as StreamCreation from "./StreamCreation.ts"

/**
 * What a call from the bare subject of a queue takes along to its function's, where it has another sequence and is
 * stored at another time: without it its attempts and its age would begin anew.
 */
export interface Past {
  /** when the call was accepted, milliseconds since 1970 */
  readonly acceptedMillis: number
  /** what the ledger has of it */
  readonly record?: AttemptRecord.AttemptRecord | undefined
}

/** The header of the stored message that has it. */
export const HEADER = "Sluice-Moved"

const json = Schema.fromJsonString(
  Schema.Struct({
    acceptedMillis: Schema.Finite,
    record: Schema.optionalKey(AttemptRecord.schema)
  })
)

export const encode = ({ acceptedMillis, record }: Past): string =>
  JSON.stringify({
    acceptedMillis,
    ...(record === undefined ? {} : { record: AttemptRecord.ofNoDelivery(record) })
  })

/** None for what anybody else has written there. */
export const decode: (text: string) => Option.Option<Past> = Schema.decodeUnknownOption(json)

/** The message id under which a call is stored on its function's subject: moved twice, it is stored once. */
export const id = (streamCreated: string, sequence: number): string =>
  `moved-${StreamCreation.token(streamCreated)}-${sequence}`

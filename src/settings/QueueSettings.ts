import * as Parser from "./Parser.ts"
import { ofOperatorToo, setting } from "./Setting.ts"

/** The queue that is served. */
export const queueSettings = {
  queueName: setting(
    "queue_name",
    Parser.queueName,
    "faas-request",
    "the queue: its stream is OF_<queue_name>",
    ofOperatorToo
  ),
  subjectTemplate: setting(
    "subject_template",
    Parser.matching("template", "{queue}.{function}.{namespace} or another order", /^\S+$/),
    "{queue}.{function}.{namespace}",
    "subject of a call, for producers with another convention",
    ofOperatorToo
  ),
  maxQueueMessages: setting(
    "max_queue_messages",
    Parser.integer(0, 1_000_000_000),
    "0",
    "calls that the queue holds at most, more are refused with 429; 0 for no limit of ours"
  ),
  maxQueueBytes: setting(
    "max_queue_bytes",
    Parser.integer(0, Number.MAX_SAFE_INTEGER),
    "0",
    "bytes that the queue holds at most, more are refused with 429; 0 for no limit of ours"
  )
}

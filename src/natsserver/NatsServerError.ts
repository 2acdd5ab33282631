import { Schema } from "effect"

/** `nats-server` could not be found, fetched or run; the message says what to do about it. */
export class NatsServerError extends Schema.TaggedError<NatsServerError>()("NatsServerError", {
  message: Schema.String
}) {}

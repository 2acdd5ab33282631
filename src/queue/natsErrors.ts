/**
 * The one place that looks into errors of nats.js. Some failures it reports by code, some only by class,
 * some only by text; the rest of the program sees our reasons.
 */
import { JetStreamApiError } from "@nats-io/jetstream"
import { jserrors } from "@nats-io/jetstream/internal"
import { errors } from "@nats-io/transport-node"
import { needed } from "../domain/NatsPermissions.ts"
import { QueueError } from "./QueueError.ts"

/** Error codes of the JetStream API that we act on. */
const Code = {
  noSuitablePeers: 10005,
  consumerNotFound: 10014,
  streamNotFound: 10059,
  messageTooLarge: 10054,
  consumersOverlap: 10099,
  consumerNotUnique: 10100,
  jetStreamNotEnabledForAccount: 10039,
  jetStreamNotEnabled: 10076,
  streamNameInUse: 10058,
  wrongLastSequence: 10071,
  wrongLastSequenceUnnamed: 10164,
  messageNotFound: 10037,
  messageDeleteFailed: 10057,
  sequenceNotFound: 10043
} as const

const codeOf = (error: unknown): number | undefined =>
  error instanceof JetStreamApiError ? error.code : undefined

export const isConsumerNotFound = (error: unknown): boolean => codeOf(error) === Code.consumerNotFound

export const isStreamNotFound = (error: unknown): boolean => codeOf(error) === Code.streamNotFound

export const isStreamNameInUse = (error: unknown): boolean => codeOf(error) === Code.streamNameInUse

/** The message is not in the stream (any more). */
export const isMessageNotFound = (error: unknown): boolean => {
  const code = codeOf(error)
  return code === Code.messageNotFound || code === Code.sequenceNotFound || code === Code.messageDeleteFailed
}

/** Somebody else has written since: the stream's last message on that subject is another one. */
export const isWrongLastSequence = (error: unknown): boolean => {
  const code = codeOf(error)
  return code === Code.wrongLastSequence || code === Code.wrongLastSequenceUnnamed
}

/** Another consumer of the work queue serves (some of) the same subjects. */
export const isConsumerNotUnique = (error: unknown): boolean => {
  const code = codeOf(error)
  return code === Code.consumerNotUnique || code === Code.consumersOverlap
}

/** Nobody listens on the subject: no stream covers it. nats.js then says that JetStream is not enabled. */
export const isNoResponders = (error: unknown): boolean =>
  error instanceof errors.NoRespondersError || error instanceof jserrors.JetStreamNotEnabled

export const isTooLarge = (error: unknown): boolean =>
  codeOf(error) === Code.messageTooLarge ||
  (error instanceof errors.InvalidArgumentError && /max_payload/i.test(error.message))

/** A limit of the stream (messages, bytes) refused the publish. */
export const isQueueFull = (error: unknown): boolean =>
  codeOf(error) !== undefined && !isTooLarge(error) && /maximum/i.test(describe(error))

export const isAuthorization = (error: unknown): boolean =>
  error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError

export const isJetStreamMissing = (error: unknown): boolean =>
  error instanceof jserrors.JetStreamNotEnabled ||
  codeOf(error) === Code.jetStreamNotEnabledForAccount ||
  codeOf(error) === Code.jetStreamNotEnabled

/** There is JetStream on the server, only not for the account of our credentials. */
export const isJetStreamForOthers = (error: unknown): boolean =>
  isJetStreamMissing(error) && /for account/i.test(describe(error))

/** The connection cannot be made over TLS, or not with these certificates. */
export const isUntrusted = (error: unknown): boolean => {
  const text = describe(error)
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  return (
    /does not support 'tls'|certificate|handshake failure|unable to verify|wrong version number/i.test(
      text
    ) || /CERT|^ERR_TLS|^ERR_SSL|^ERR_OSSL/.test(code)
  )
}

/** What the user of our credentials may not do. */
export interface Violation {
  readonly operation: "publish" | "subscription"
  readonly subject: string
}

export const violationOf = (error: unknown): Violation | undefined => {
  if (error instanceof errors.PermissionViolationError) return error
  return error instanceof Error && error.cause !== undefined ? violationOf(error.cause) : undefined
}

/** The user of our credentials may not publish or subscribe there. */
export const isForbidden = (error: unknown): boolean => violationOf(error) !== undefined

export const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Any error of nats.js as ours. */
export const toQueueError = (error: unknown): QueueError => {
  if (isStreamNotFound(error)) return new QueueError({ reason: "stream-gone", detail: describe(error) })
  if (isForbidden(error)) {
    return new QueueError({
      reason: "refused",
      detail: `${describe(error)}; the user that Sluice connects as has to be allowed ${needed("<queue>")}`
    })
  }
  if (isTooLarge(error)) return new QueueError({ reason: "too-large", detail: describe(error) })
  const refused = codeOf(error) !== undefined && !isPassing(error)
  return new QueueError({ reason: refused ? "refused" : "unavailable", detail: describe(error) })
}

/** A cluster that is not complete, because it starts or has lost a server. */
const isPassing = (error: unknown): boolean =>
  codeOf(error) === Code.noSuitablePeers || /temporarily unavailable/i.test(describe(error))

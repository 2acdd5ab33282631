import type { Call } from "../domain/Call.ts"
import type { GoUrl } from "../domain/GoUrl.ts"
import type { HeaderMap } from "../domain/Headers.ts"
import type { FunctionSpec } from "../functions/FunctionSpec.ts"
import type { Target } from "./Route.ts"

/** The request as it came, with what the gateway made of it. */
export interface Accepted {
  readonly target: Target
  readonly header: HeaderMap
  readonly callId: string
  /** UnixNano, decimal. */
  readonly startTime: string
  readonly callbackUrl: GoUrl | undefined
  readonly queueName: string
  readonly spec: FunctionSpec
}

const travellingAnnotation = /^(com\.openfaas\.retry\..+|com\.openfaas\.queue|sluice\..+)$/
const travellingLabel = /^com\.openfaas\.scale\..+$/
const travellingVariable = /^max_inflight$/

const only = (record: Readonly<Record<string, string>>, name: RegExp) =>
  Object.fromEntries(Object.entries(record).filter(([key]) => name.test(key)))

/** The call as it is stored, still without its body. */
export const storedCall = ({ target, header, spec, ...accepted }: Accepted): Call => {
  // Go keeps the host beside the headers, and so does the message.
  const { Host: hosts = [], ...others } = header
  return {
    method: "POST",
    function: target.functionText,
    header: {
      ...others,
      "X-Call-Id": [accepted.callId],
      "X-Start-Time": [...(header["X-Start-Time"] ?? []), accepted.startTime]
    },
    host: hosts[0] ?? "",
    body: new Uint8Array(),
    path: target.path,
    queryString: target.query,
    queueName: accepted.queueName,
    annotations: only(spec.annotations, travellingAnnotation),
    labels: only(spec.labels, travellingLabel),
    environment: only(spec.environment, travellingVariable),
    callbackUrl: accepted.callbackUrl,
    unknown: {}
  }
}

/**
 * The largest body, bytes, with which a message stays within `maxMessageBytes`: it travels as base64 inside a
 * message that has `emptyMessageBytes` without it. Negative when there is no room even for that.
 */
export const largestBody = (maxMessageBytes: number, emptyMessageBytes: number): number => {
  if (emptyMessageBytes > maxMessageBytes) return -1
  const room = maxMessageBytes - emptyMessageBytes - '"Body":"",'.length
  return Math.max(0, Math.floor(room / 4) * 3)
}

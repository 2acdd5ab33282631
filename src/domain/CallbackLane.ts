import { Option } from "effect"
import type { Lane } from "./Lane.ts"
import * as StreamCreation from "./StreamCreation.ts"

/**
 * The callbacks of one queue to one destination: scheme, host and port. Receivers behind one address share
 * their fate, so they share an actor.
 */
export interface CallbackLane extends Lane {
  /** e.g. `https-443-hooks=example=com` */
  readonly key: string
}

const longestHost = 120
const defaultPorts: Readonly<Record<string, string>> = { http: "80", https: "443" }

/** A host as one token of a subject: dots are `=`, all but letters, digits and `-` are `_` and two hex digits. */
const hostToken = (host: string): string =>
  host.replace(/[^a-z0-9-]/g, (character) =>
    character === "." ? "=" : `_${character.charCodeAt(0).toString(16).padStart(2, "0")}`
  )

/** 128-bit FNV-1a. Two hosts of one hash would share a lane, which loses nothing: messages name their own URL. */
const hash = (text: string): string => {
  let value = 0x6c62272e07bb014262b821756295c58dn
  for (const byte of Buffer.from(text)) {
    value = BigInt.asUintN(128, (value ^ BigInt(byte)) * 0x1000000000000000000013bn)
  }
  return value.toString(16).padStart(32, "0")
}

/** Consumers are files on the server: their names are bounded. `_-` is in no token of a host that fits. */
const bounded = (token: string): string =>
  token.length <= longestHost ? token : `${token.slice(0, 60)}_-${hash(token)}`

const lane = (callbacksQueue: string, key: string): CallbackLane => ({
  key,
  subject: `${callbacksQueue}.${key}`,
  consumerName: (streamCreated) => `${key}=${StreamCreation.token(streamCreated)}`
})

/**
 * The lane of callbacks to a URL.
 *
 * @param callbacksQueue what the subjects of the stream of callbacks begin with
 * @param url absolute
 */
export const of = (callbacksQueue: string, url: string): CallbackLane => {
  const { hostname, port, protocol } = new URL(url)
  const scheme = protocol.slice(0, -1)
  return lane(callbacksQueue, `${scheme}-${port || defaultPorts[scheme]}-${bounded(hostToken(hostname))}`)
}

/** The lane whose subject this is. */
export const parse = (callbacksQueue: string, subject: string): Option.Option<CallbackLane> => {
  const key = subject.startsWith(`${callbacksQueue}.`) ? subject.slice(callbacksQueue.length + 1) : ""
  return /^https?-\d+-[a-z0-9=_-]+$/.test(key) ? Option.some(lane(callbacksQueue, key)) : Option.none()
}

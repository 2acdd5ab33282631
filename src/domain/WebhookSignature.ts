import { createHmac } from "node:crypto"
import { Result } from "effect"

/** The secret bytes of one key. */
export type Key = Uint8Array

/** Something wrong with a file of keys; the text never holds a key. */
interface Mistake {
  /** From 1. */
  readonly line: number
  readonly text: string
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

const form = "a key is whsec_ and the base64 of 24 to 64 bytes, or the base64 alone"

const keyOf = (text: string): Key | undefined => {
  const encoded = text.replace(/^whsec_/, "")
  const key = Buffer.from(encoded, "base64")
  return base64.test(encoded) && key.length >= 24 && key.length <= 64 ? key : undefined
}

/**
 * Reads a file of keys: one a line, the current one first; empty lines and those that begin with # are for
 * people.
 */
export const keysFromText = (text: string): Result.Result<ReadonlyArray<Key>, ReadonlyArray<Mistake>> => {
  const lines = text.split("\n").map((line, index) => ({ number: index + 1, text: line.trim() }))
  const read = lines
    .filter((line) => line.text !== "" && !line.text.startsWith("#"))
    .map((line) => ({ line: line.number, key: keyOf(line.text) }))
  if (read.length === 0) {
    return Result.fail([{ line: 1, text: `there is no key: ${form}` }])
  }
  const keys = read.flatMap(({ key }) => key ?? [])
  if (keys.length === read.length) return Result.succeed(keys)
  return Result.fail(
    read.flatMap(({ key, line }) => (key === undefined ? [{ line, text: `this is no key: ${form}` }] : []))
  )
}

/** Canonical names of the headers that only the signer may write. */
export const names: ReadonlySet<string> = new Set(["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])

/**
 * The headers by which a receiver knows who sent `body`, as the Standard Webhooks specification has them; a flat
 * list of names and values. One signature for each key, so that keys can be exchanged while receivers still have
 * the old one.
 */
export const headers = (
  keys: ReadonlyArray<Key>,
  message: {
    /** The same for every try to deliver the same thing. */
    readonly id: string
    readonly timestampSeconds: number
    readonly body: Uint8Array
  }
): Array<string> => {
  // Dots divide what is signed: with one in the id, another id and timestamp could have the same signature.
  const id = message.id.replaceAll(".", "_")
  const signed = `${id}.${message.timestampSeconds}.`
  const signatures = keys.map(
    (key) => `v1,${createHmac("sha256", key).update(signed).update(message.body).digest("base64")}`
  )
  const [timestamp, signature] = [String(message.timestampSeconds), signatures.join(" ")]
  return ["webhook-id", id, "webhook-timestamp", timestamp, "webhook-signature", signature]
}

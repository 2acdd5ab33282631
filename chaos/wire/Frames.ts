const crlf = "\r\n"

/** How many sizes the line of a message ends with; other lines have no payload. */
const sizesOf: Readonly<Record<string, number>> = { PUB: 1, MSG: 1, HPUB: 2, HMSG: 2 }

/** One line of the NATS protocol, with the payload that belongs to it. */
export interface Frame {
  /** Every byte of it, as it came. */
  readonly raw: Buffer
  /** `PUB`, `MSG`, `PING`... */
  readonly verb: string
  /** Empty for lines that are no message. */
  readonly subject: string
  /** Where an answer is wanted; empty for none. */
  readonly reply: string
  /** Headers included, as text. */
  readonly payload: () => string
}

/** Cuts what a socket brings into frames; the unfinished rest waits for the next chunk. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): Array<Frame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Array<Frame> = []
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): Frame | undefined {
    const lineEnd = this.#rest.indexOf(crlf)
    if (lineEnd < 0) return undefined
    const [verb = "", ...words] = this.#rest.toString("latin1", 0, lineEnd).trim().split(/\s+/)
    const sizes = sizesOf[verb.toUpperCase()] ?? 0
    const from = lineEnd + crlf.length
    const to = sizes === 0 ? from : from + Number(words.at(-1))
    const end = sizes === 0 ? from : to + crlf.length
    if (this.#rest.length < end) return undefined
    const raw = this.#rest.subarray(0, end)
    this.#rest = this.#rest.subarray(end)
    const [subject = "", ...more] = sizes === 0 ? [] : words.slice(0, -sizes)
    // A delivered message has the subscription's id between subject and reply.
    const reply = (verb.endsWith("MSG") ? more[1] : more[0]) ?? ""
    return { raw, verb: verb.toUpperCase(), subject, reply, payload: () => raw.toString("utf8", from, to) }
  }
}

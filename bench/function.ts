/**
 * The function that is called: answers at once, in a process of its own. It speaks just enough HTTP for clients
 * that wait for each answer, because a real HTTP server would cost more than what is measured.
 *
 * Sends its port at the start. Told a number of calls, it sends the seconds from the first to the last of them, once they
 * have come.
 */
import { createServer, type AddressInfo } from "node:net"

const answer = Buffer.from("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")

let expected = Number.POSITIVE_INFINITY
let arrived = 0
let firstAt = 0
let lastAt = 0

const reportWhenComplete = () => {
  if (arrived < expected) return
  process.send?.((lastAt - firstAt) / 1000)
  expected = Number.POSITIVE_INFINITY
  arrived = 0
}

const count = () => {
  arrived++
  lastAt = performance.now()
  if (arrived === 1) firstAt = lastAt
  reportWhenComplete()
}

/** Length of the request that the bytes begin with, 0 while a part of it is missing. */
const lengthOf = (bytes: Buffer): number => {
  const endOfHead = bytes.indexOf("\r\n\r\n")
  if (endOfHead < 0) return 0
  const contentLength = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString("latin1", 0, endOfHead))?.[1]
  const length = endOfHead + 4 + Number(contentLength ?? 0)
  return length <= bytes.length ? length : 0
}

const server = createServer({ noDelay: true }, (socket) => {
  let unread: Buffer = Buffer.alloc(0)
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk])
    for (let length = lengthOf(unread); length > 0; length = lengthOf(unread)) {
      unread = unread.subarray(length)
      count()
      socket.write(answer)
    }
  })
})

server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))

process.on("message", (calls) => {
  expected = Number(calls)
  reportWhenComplete()
})
process.on("disconnect", () => process.exit())

/**
 * What the user that we connect to NATS as has to be allowed, for one queue. NATS knows wildcards for whole tokens
 * only, so each bucket has its line.
 */
export const published = (queue: string): ReadonlyArray<string> => [
  `${queue}.>`,
  `${queue}_dead.>`,
  `${queue}_callbacks.>`,
  `$KV.OF_${queue}_attempts.>`,
  `$KV.OF_${queue}_callbacks_attempts.>`,
  `$KV.OF_${queue}_replays.>`,
  `$O.OF_${queue}_results.>`,
  `$O.OF_${queue}_dead_messages.>`,
  "$JS.API.>",
  "$JS.ACK.>",
  // Large results and messages come in parts, as fast as they are taken.
  "$JS.FC.>",
  `${TOPICS}>`
]

/** What programs tell each other is on subjects that begin so. */
export const TOPICS = "sluice."

export const subscribed: ReadonlyArray<string> = ["_INBOX.>", `${TOPICS}>`]

/** For messages to people. */
export const needed = (queue: string): string =>
  `to publish to ${listed(published(queue))}, and to subscribe to ${listed(subscribed)}`

const listed = (subjects: ReadonlyArray<string>): string =>
  `${subjects.slice(0, -1).join(", ")} and ${subjects.at(-1)}`

/** Where a worker's calls and callbacks are pulled and settled, at a consumer, key or function that is none. */
export const settling = (queue: string): ReadonlyArray<string> => [
  ...[`OF_${queue}`, `OF_${queue}_callbacks`].flatMap((stream) => [
    `$JS.API.CONSUMER.CREATE.${stream}.none`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.none`,
    `$JS.ACK.${stream}.none.1.0.0.0.0`,
    `$KV.${stream}_attempts.none`
  ]),
  `${queue}_dead.none`,
  `${queue}_callbacks.none`,
  `$O.OF_${queue}_results.none`,
  `$O.OF_${queue}_dead_messages.none`
]

/** All subjects of one kind as one: what a call, a consumer or a key is called does not matter to permissions. */
export const pattern = (subject: string): string => {
  const tokens = subject.split(".")
  const kind = tokens.slice(0, significant(tokens))
  return kind.length < tokens.length ? `${kind.join(".")}.>` : subject
}

const significant = (tokens: ReadonlyArray<string>): number => {
  const [first, second] = tokens
  if (first === "$KV" || first === "$O" || first === "sluice") return 2
  if (first !== "$JS") return 1
  if (second !== "API") return 3
  // The words of the question, and the stream that it is about.
  const stream = tokens.findIndex((token) => !/^(\$JS|[A-Z]+)$/.test(token))
  return stream === -1 ? tokens.length : stream + 1
}

/** Of a queue that is not the given one: a gateway stores calls for others too, and may not be let into each. */
export const isOfAnotherQueue = (subject: string, queue: string): boolean => {
  const stream = /(?:^|[._])OF_([^.]+)/.exec(subject)?.[1]
  const name = stream ?? (/^[$_]/.test(subject) ? undefined : subject.split(".", 1)[0])
  if (name === undefined || name === queue) return false
  return !["attempts", "callbacks", "dead", "replays", "results"].some((side) =>
    name.startsWith(`${queue}_${side}`)
  )
}

/** Without it a call that is executed could not be settled, or none could be had. */
export const isForSettling = (subject: string): boolean =>
  /^(\$JS\.ACK|\$JS\.API\.CONSUMER\.(MSG\.NEXT|CREATE)|_INBOX|\$KV|\$O|[^.]+_(dead|callbacks))\./.test(
    subject
  )

/** Where even a message that nobody can read has an effect: nats-server 2.15 purges a stream for it. */
export const isDangerous = (subject: string): boolean =>
  /^\$JS\.API\.(.*\.)?(CREATE|UPDATE|DELETE|PURGE|RESTORE)\./.test(subject) &&
  !subject.startsWith("$JS.API.CONSUMER.CREATE.")

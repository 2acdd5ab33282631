/** The wiring of the commands that look into queues. */
import { Layer } from "effect"
import { Nats } from "../queue/Nats.ts"
import { Publisher } from "../queue/Publisher.ts"
import { OneQueue } from "../queue/QueueOverview.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import { Replays } from "../queue/Replays.ts"
import { StoredDeadLetters } from "../queue/StoredDeadLetters.ts"
import { WakeUps } from "../queue/WakeUps.ts"
import type { Settings } from "../settings/Settings.ts"

/** For commands of operators: they end with an error where the programs wait. */
export const natsOnce = (settings: Settings) =>
  Nats.once({
    url: settings.natsUrl,
    name: `sluice command ${settings.queueName}`,
    access: settings.natsAccess
  })

const existingQueue = (settings: Settings) =>
  QueueStream.existing(settings.queueName).pipe(Layer.provideMerge(natsOnce(settings)))

/** One queue that is there. */
export const queueOperations = (settings: Settings) =>
  OneQueue.layer(settings.subjects).pipe(Layer.provideMerge(existingQueue(settings)))

/** The dead letters of a queue that is there, and how they are replayed. */
export const deadLetterOperations = (settings: Settings) =>
  Replays.layer.pipe(
    Layer.provideMerge(StoredDeadLetters.layer),
    Layer.provide(Publisher.layer({ subjects: settings.subjects, timeoutMillis: settings.publishTimeout })),
    Layer.provide(WakeUps.layer),
    Layer.provide(existingQueue(settings))
  )

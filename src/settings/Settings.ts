import { Result } from "effect"
import * as GoDuration from "../domain/GoDuration.ts"
import type { RetryPolicy } from "../domain/RetryPolicy.ts"
import * as SubjectTemplate from "../domain/SubjectTemplate.ts"
import * as NatsUrl from "./NatsUrl.ts"
import type { Values } from "./SettingsTable.ts"

/** The settings that reach the program as part of something larger. */
type Combined =
  | "natsUrl"
  | "natsHost"
  | "natsPort"
  | "subjectTemplate"
  | "maxRetryAttempts"
  | "initialRetryWait"
  | "maxRetryWait"
  | "retryHttpCodes"
  | "backoff"

/** What a program runs with; durations are in milliseconds. */
export interface Settings extends Omit<Values, Combined> {
  /** May carry credentials: never print it. */
  readonly natsUrl: string
  /** False when neither `NATS_URL` nor `nats_host` is set: `start` then runs its own server. */
  readonly natsGiven: boolean
  readonly subjects: SubjectTemplate.SubjectTemplate
  readonly retryPolicy: RetryPolicy
}

/** Makes the settings of values that keep every rule of `mistakesBetween`; a defect otherwise. */
export function combine(values: Values): Settings {
  const {
    natsUrl,
    natsHost,
    natsPort,
    subjectTemplate,
    maxRetryAttempts,
    initialRetryWait,
    maxRetryWait,
    retryHttpCodes,
    backoff,
    ...rest
  } = values
  return {
    ...rest,
    natsUrl: natsUrl ?? NatsUrl.single(natsHost ?? "127.0.0.1", natsPort),
    natsGiven: natsUrl !== undefined || natsHost !== undefined,
    subjects: Result.getOrThrow(SubjectTemplate.make(subjectTemplate, values.queueName)),
    retryPolicy: {
      maxAttempts: maxRetryAttempts,
      initialWait: initialRetryWait,
      maxWait: maxRetryWait,
      codes: retryHttpCodes,
      backoff
    }
  }
}

/** What is wrong between settings that are right by themselves; those that are wrong already are `undefined`. */
export function mistakesBetween(
  values: Partial<Values>,
  isGiven: (key: keyof Values) => boolean,
  callsFunctions: boolean
): ReadonlyArray<string> {
  const mistakes: Array<string> = []
  const { initialRetryWait: initial, maxRetryWait: max, queueName, subjectTemplate } = values
  if (initial !== undefined && max !== undefined && initial > max) {
    mistakes.push(
      `initial_retry_wait=${JSON.stringify(GoDuration.format(initial))} is not allowed: ` +
        `it must be at most max_retry_wait (${GoDuration.format(max)})`
    )
  }
  if (queueName !== undefined && subjectTemplate !== undefined) {
    const made = SubjectTemplate.make(subjectTemplate, queueName)
    if (Result.isFailure(made)) {
      mistakes.push(`subject_template=${JSON.stringify(subjectTemplate)} is not allowed: ${made.failure}`)
    }
  }
  // One that is given but wrong is reported by itself.
  if (callsFunctions && !isGiven("functionsFile") && !isGiven("functionUrl") && !isGiven("gatewayUrl")) {
    mistakes.push(noFunctionSource)
  }
  return mistakes
}

const noFunctionSource =
  "where functions are is not set: set one of functions_file (a YAML file of functions), function_url " +
  "(such as http://{name}.{namespace}:8080) and gateway_url (an OpenFaaS gateway)"

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
  | "natsUser"
  | "natsPasswordFile"
  | "natsTokenFile"
  | "natsCredsFile"
  | "natsNkeyFile"
  | "natsCaFile"
  | "natsCertFile"
  | "natsKeyFile"
  | "subjectTemplate"
  | "maxRetryAttempts"
  | "initialRetryWait"
  | "maxRetryWait"
  | "retryHttpCodes"
  | "backoff"
  | "callbackRetryAttempts"
  | "callbackRetryInitialWait"
  | "callbackRetryMaxWait"

/** Who we are for NATS: the paths of the files that say so. */
interface NatsAccess {
  readonly user: string | undefined
  readonly passwordFile: string | undefined
  readonly tokenFile: string | undefined
  readonly credsFile: string | undefined
  readonly nkeyFile: string | undefined
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
}

/** What a program runs with; durations are in milliseconds. */
export interface Settings extends Omit<Values, Combined> {
  /** May carry credentials: never print it. */
  readonly natsUrl: string
  /** False when neither `NATS_URL` nor `nats_host` is set: `start` then runs its own server. */
  readonly natsGiven: boolean
  /** Paths of files with secrets. */
  readonly natsAccess: NatsAccess
  readonly subjects: SubjectTemplate.SubjectTemplate
  readonly retryPolicy: RetryPolicy
  readonly callbackRetryPolicy: RetryPolicy
}

/** Makes the settings of values that keep every rule of `mistakesBetween`; a defect otherwise. */
export function combine(values: Values): Settings {
  const {
    natsUrl,
    natsHost,
    natsPort,
    natsUser,
    natsPasswordFile,
    natsTokenFile,
    natsCredsFile,
    natsNkeyFile,
    natsCaFile,
    natsCertFile,
    natsKeyFile,
    subjectTemplate,
    maxRetryAttempts,
    initialRetryWait,
    maxRetryWait,
    retryHttpCodes,
    backoff,
    callbackRetryAttempts,
    callbackRetryInitialWait,
    callbackRetryMaxWait,
    ...rest
  } = values
  return {
    ...rest,
    natsUrl: natsUrl ?? NatsUrl.single(natsHost ?? "127.0.0.1", natsPort),
    natsGiven: natsUrl !== undefined || natsHost !== undefined,
    natsAccess: {
      user: natsUser,
      passwordFile: natsPasswordFile,
      tokenFile: natsTokenFile,
      credsFile: natsCredsFile,
      nkeyFile: natsNkeyFile,
      caFile: natsCaFile,
      certFile: natsCertFile,
      keyFile: natsKeyFile
    },
    subjects: Result.getOrThrow(SubjectTemplate.make(subjectTemplate, values.queueName)),
    retryPolicy: {
      maxAttempts: maxRetryAttempts,
      initialWait: initialRetryWait,
      maxWait: maxRetryWait,
      codes: retryHttpCodes,
      backoff
    },
    callbackRetryPolicy: {
      maxAttempts: callbackRetryAttempts,
      initialWait: callbackRetryInitialWait,
      maxWait: callbackRetryMaxWait,
      // Whatever a receiver answers that is no 2xx, the result is not with it.
      codes: new Set(),
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
  const { queueName, subjectTemplate } = values
  const waits = [
    ["initial_retry_wait", values.initialRetryWait, "max_retry_wait", values.maxRetryWait],
    [
      "callback_retry_initial_wait",
      values.callbackRetryInitialWait,
      "callback_retry_max_wait",
      values.callbackRetryMaxWait
    ]
  ] as const
  for (const [initialName, initial, maxName, max] of waits) {
    if (initial === undefined || max === undefined || initial <= max) continue
    mistakes.push(
      `${initialName}=${JSON.stringify(GoDuration.format(initial))} is not allowed: ` +
        `it must be at most ${maxName} (${GoDuration.format(max)})`
    )
  }
  if (queueName !== undefined && subjectTemplate !== undefined) {
    const made = SubjectTemplate.make(subjectTemplate, queueName)
    if (Result.isFailure(made)) {
      mistakes.push(`subject_template=${JSON.stringify(subjectTemplate)} is not allowed: ${made.failure}`)
    }
  }
  mistakes.push(...natsMistakes(values, isGiven))
  // One that is given but wrong is reported by itself.
  if (callsFunctions && !isGiven("functionsFile") && !isGiven("functionUrl") && !isGiven("gatewayUrl")) {
    mistakes.push(noFunctionSource)
  }
  return mistakes
}

const noFunctionSource =
  "where functions are is not set: set one of functions_file (a YAML file of functions), function_url " +
  "(such as http://{name}.{namespace}:8080) and gateway_url (an OpenFaaS gateway)"

function natsMistakes(
  values: Partial<Values>,
  isGiven: (key: keyof Values) => boolean
): ReadonlyArray<string> {
  const mistakes: Array<string> = []
  const together = (one: keyof Values, other: keyof Values, names: string) => {
    if (isGiven(one) !== isGiven(other)) mistakes.push(`${names} go together: set both or none`)
  }
  together("natsUser", "natsPasswordFile", "nats_user and nats_password_file")
  together("natsCertFile", "natsKeyFile", "nats_cert_file and nats_key_file")
  const ways = [
    ...(values.natsUrl !== undefined && new URL(values.natsUrl.split(",")[0] ?? "").username !== ""
      ? ["the credentials in NATS_URL"]
      : []),
    ...(isGiven("natsUser") ? ["nats_user"] : []),
    ...(isGiven("natsTokenFile") ? ["nats_token_file"] : []),
    ...(isGiven("natsCredsFile") ? ["nats_creds_file"] : []),
    ...(isGiven("natsNkeyFile") ? ["nats_nkey_file"] : [])
  ]
  if (ways.length > 1) mistakes.push(`${ways.join(" and ")} exclude each other: NATS knows us by one of them`)
  return mistakes
}

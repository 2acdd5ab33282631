import { readFileSync } from "node:fs"
import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator
} from "@nats-io/transport-node"
import { Effect } from "effect"
import { QueueMisconfigured } from "./QueueError.ts"

/** Who we are for NATS, and whom we trust; all files are named by their settings. */
export interface NatsAccess {
  readonly user?: string | undefined
  readonly passwordFile?: string | undefined
  readonly tokenFile?: string | undefined
  /** a user's JWT and seed, as nsc writes them */
  readonly credsFile?: string | undefined
  /** the seed of a user's nkey */
  readonly nkeyFile?: string | undefined
  /** certificates of authorities, PEM; any of them makes the connection TLS */
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

const settingOf = {
  passwordFile: "nats_password_file",
  tokenFile: "nats_token_file",
  credsFile: "nats_creds_file",
  nkeyFile: "nats_nkey_file",
  caFile: "nats_ca_file",
  certFile: "nats_cert_file",
  keyFile: "nats_key_file"
} as const

type FileKey = keyof typeof settingOf

const given = (access: NatsAccess): ReadonlyArray<FileKey> =>
  Object.keys(settingOf).filter((key): key is FileKey => access[key as FileKey] !== undefined)

/** The settings that say who we are, for messages. */
export const credentialSettings = (access: NatsAccess): ReadonlyArray<string> => [
  ...(access.user === undefined ? [] : [`nats_user=${JSON.stringify(access.user)}`]),
  ...given(access).flatMap((key) => (isTls(key) ? [] : [settingOf[key]]))
]

const isTls = (key: FileKey): boolean => key === "caFile" || key === "certFile" || key === "keyFile"

/**
 * What nats.js needs to connect with them. Files are read again for every connection, so that a secret may be
 * rotated while we run.
 */
export const connectionOptions = (access: NatsAccess): ConnectionOptions => {
  const { user, passwordFile, tokenFile, credsFile, nkeyFile, caFile, certFile, keyFile } = access
  const authenticator: Authenticator | undefined =
    user !== undefined && passwordFile !== undefined
      ? usernamePasswordAuthenticator(user, () => secret(passwordFile))
      : tokenFile !== undefined
        ? tokenAuthenticator(() => secret(tokenFile))
        : credsFile !== undefined
          ? credsAuthenticator(() => readFileSync(credsFile))
          : nkeyFile !== undefined
            ? nkeyAuthenticator(() => Buffer.from(secret(nkeyFile)))
            : undefined
  const tls = { caFile, certFile, keyFile }
  return {
    ...(authenticator === undefined ? {} : { authenticator: lasting(authenticator) }),
    ...(given(access).some(isTls)
      ? { tls: Object.fromEntries(Object.entries(tls).filter(([, file]) => file !== undefined)) }
      : {})
  }
}

/**
 * One that throws would end the connection for ever, and a secret that is being replaced may be away for a moment:
 * what was said last is said again. A server that refuses it is asked again.
 */
const lasting = (authenticator: Authenticator): Authenticator => {
  let last: ReturnType<Authenticator>
  return (nonce) => {
    try {
      last = authenticator(nonce)
    } catch {
      // Told by the server's refusal, if it comes to that.
    }
    return last
  }
}

/** Secrets are often written with a line feed at their end. */
const secret = (path: string): string => readFileSync(path, "utf8").trimEnd()

const looksRight: Partial<Record<FileKey, { readonly pattern: RegExp; readonly what: string }>> = {
  credsFile: {
    pattern: /-+BEGIN NATS USER JWT-+[^]+-+BEGIN USER NKEY SEED-+/,
    what: "a credentials file with a user's JWT and seed, as nsc writes it"
  },
  nkeyFile: { pattern: /^SU[A-Z2-7]{56}\s*$/, what: "the seed of a user's nkey, SU…" },
  caFile: { pattern: /-----BEGIN (TRUSTED )?CERTIFICATE-----/, what: "a PEM file of certificates" },
  certFile: { pattern: /-----BEGIN CERTIFICATE-----/, what: "a PEM file of a certificate" },
  keyFile: { pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/, what: "a PEM file of a private key" }
}

/** Reads every file once, so that a wrong one is told with its setting's name. */
export const check = (access: NatsAccess): Effect.Effect<void, QueueMisconfigured> =>
  Effect.forEach(
    given(access),
    (key) =>
      Effect.try({
        try: () => readFileSync(access[key] ?? "", "utf8"),
        catch: (cause) => wrong(key, access, `cannot be read: ${reasonOf(cause)}. Check path and permissions`)
      }).pipe(
        Effect.flatMap((text) => {
          const { pattern = /\S/, what = "a secret" } = looksRight[key] ?? {}
          return pattern.test(text) ? Effect.void : Effect.fail(wrong(key, access, `is not ${what}`))
        })
      ),
    { discard: true }
  )

const wrong = (key: FileKey, access: NatsAccess, what: string) =>
  new QueueMisconfigured({ message: `${settingOf[key]}=${JSON.stringify(access[key])} ${what}` })

const reasonOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

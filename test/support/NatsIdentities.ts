/** Operator, account and user of NATS's decentralized authentication, made for one test. */
import { createHash, randomUUID } from "node:crypto"
import { createAccount, createOperator, createUser, type KeyPair } from "@nats-io/nkeys"

const base64url = (data: string | Uint8Array) => Buffer.from(data).toString("base64url")

/** A JWT as nsc signs it (NATS ADR-14). */
const sign = (issuer: KeyPair, subject: KeyPair, name: string, nats: object): string => {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats
  }
  const jti = createHash("sha256").update(randomUUID()).digest("base64url")
  const body = [
    { typ: "JWT", alg: "ed25519-nkey" },
    { jti, ...claims }
  ]
    .map((part) => base64url(JSON.stringify(part)))
    .join(".")
  return `${body}.${base64url(issuer.sign(Buffer.from(body)))}`
}

const unlimited = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1
}
const jetstream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }

const claims = (limits: object) => ({ limits: { ...unlimited, ...limits }, type: "account", version: 2 })

/** The lines for a server's configuration, and the credentials file of a user. */
export const operatorMode = () => {
  const [operator, account, system, user] = [createOperator(), createAccount(), createAccount(), createUser()]
  const accountJwt = sign(operator, account, "sluice", claims(jetstream))
  const systemJwt = sign(operator, system, "system", claims({}))
  const userJwt = sign(account, user, "sluice", { subs: -1, data: -1, payload: -1, type: "user", version: 2 })
  const seed = new TextDecoder().decode(user.getSeed())
  return {
    config: [
      `operator: ${sign(operator, operator, "operator", { type: "operator", version: 2 })}`,
      `system_account: ${system.getPublicKey()}`,
      "resolver: MEMORY",
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${systemJwt} }`
    ].join("\n"),
    creds: [
      `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------`,
      `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`
    ].join("\n\n")
  }
}

/** The public key for a server's configuration, and the seed of its user. */
export const nkey = () => {
  const user = createUser()
  return { publicKey: user.getPublicKey(), seed: new TextDecoder().decode(user.getSeed()) }
}

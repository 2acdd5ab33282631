import * as Parser from "./Parser.ts"
import { ofOperatorToo, secret, setting } from "./Setting.ts"

/** Which NATS, and who we are for it. */
export const natsSettings = {
  natsUrl: setting("NATS_URL", Parser.natsUrl, undefined, "NATS servers; wins over nats_host and nats_port", {
    ...ofOperatorToo,
    ...secret
  }),
  natsHost: setting(
    "nats_host",
    Parser.host,
    undefined,
    "NATS host; without it and NATS_URL, start runs its own server and the others use 127.0.0.1",
    { ...ofOperatorToo, ...secret }
  ),
  natsPort: setting(
    "nats_port",
    Parser.integer(1, 65535),
    "4222",
    "NATS port, used with nats_host",
    ofOperatorToo
  ),
  natsUser: setting(
    "nats_user",
    Parser.matching("name", "a name without white space", /^\S+$/),
    undefined,
    "user for NATS, with nats_password_file",
    ofOperatorToo
  ),
  natsPasswordFile: setting(
    "nats_password_file",
    Parser.path,
    undefined,
    "file with the password of nats_user",
    ofOperatorToo
  ),
  natsTokenFile: setting(
    "nats_token_file",
    Parser.path,
    undefined,
    "file with a token for NATS",
    ofOperatorToo
  ),
  natsCredsFile: setting(
    "nats_creds_file",
    Parser.path,
    undefined,
    "credentials file for NATS: a user's JWT and seed, as nsc writes it",
    ofOperatorToo
  ),
  natsNkeyFile: setting(
    "nats_nkey_file",
    Parser.path,
    undefined,
    "file with the seed of a user's nkey for NATS",
    ofOperatorToo
  ),
  natsCaFile: setting(
    "nats_ca_file",
    Parser.path,
    undefined,
    "PEM file of the authorities that NATS servers are trusted by; the connection is TLS then",
    ofOperatorToo
  ),
  natsCertFile: setting(
    "nats_cert_file",
    Parser.path,
    undefined,
    "PEM file of our certificate for NATS, with nats_key_file",
    ofOperatorToo
  ),
  natsKeyFile: setting(
    "nats_key_file",
    Parser.path,
    undefined,
    "PEM file of the key of nats_cert_file",
    ofOperatorToo
  ),
  natsStreamReplicas: setting(
    "nats_stream_replicas",
    Parser.replicas,
    "1",
    "servers that keep a copy of the streams Sluice creates"
  )
}

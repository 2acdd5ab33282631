import * as Parser from "./Parser.ts"
import { ofGateway, setting } from "./Setting.ts"

/** How calls are accepted. */
export const gatewaySettings = {
  publishTimeout: setting(
    "publish_timeout",
    Parser.duration("1ms"),
    "5s",
    "how long storing an accepted call may take",
    ofGateway
  ),
  maxAcceptingBytes: setting(
    "max_accepting_bytes",
    Parser.integer(1_048_576, Number.MAX_SAFE_INTEGER),
    "67108864",
    "bodies that are received or wait for their confirmation, in bytes; more are refused with 503",
    ofGateway
  ),
  port: setting(
    "port",
    Parser.integer(0, 65535),
    "8080",
    "port of the HTTP gateway; 0 takes a free one",
    ofGateway
  )
}

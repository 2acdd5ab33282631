import * as Parser from "./Parser.ts"
import { ofOperatorToo, secret, setting } from "./Setting.ts"

/** Where functions are. */
export const functionSettings = {
  functionsFile: setting(
    "functions_file",
    Parser.path,
    undefined,
    "YAML file of functions and their URLs; wins over function_url and gateway_url"
  ),
  functionUrl: setting(
    "function_url",
    Parser.functionUrl,
    undefined,
    "URL of a function, such as http://{name}.{namespace}:8080; wins over gateway_url",
    secret
  ),
  gatewayUrl: setting(
    "gateway_url",
    Parser.gatewayUrl,
    undefined,
    "OpenFaaS gateway through which functions are called",
    secret
  ),
  defaultNamespace: setting(
    "default_namespace",
    Parser.matching("name", "1 to 63 of a-z, A-Z, 0-9, - and _", /^[\w-]{1,63}$/),
    "openfaas-fn",
    "namespace of a function whose name has none",
    ofOperatorToo
  ),
  secretMountPath: setting(
    "secret_mount_path",
    Parser.path,
    "/var/secrets",
    "directory of basic-auth-user and basic-auth-password for gateway_url"
  ),
  upstreamTimeout: setting(
    "upstream_timeout",
    Parser.duration("1ms"),
    "1m",
    "how long a function may take to answer"
  )
}

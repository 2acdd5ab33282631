import { Context, Effect, Layer } from "effect"
import { Exposition } from "../src/telemetry/Exposition.ts"
import { Metrics } from "../src/telemetry/Metrics.ts"
import * as Scrape from "./Scrape.ts"
const cpu=()=>{const u=process.cpuUsage();return (u.user+u.system)/1000}
await Effect.runPromise(Effect.scoped(Effect.gen(function*(){
  const context = yield* Layer.build(Exposition.layer({ queueName: "bench", programs: ["worker"], version: "bench" }))
  const m = Context.get(context, Metrics)
  for (let r=0;r<4;r++){ const t=cpu(); const N=500000
  for(let i=0;i<N;i++){ const fn="some-function.openfaas-fn"; m.queueWait.record(0.2); m.attempts.count(fn,"2xx"); m.execution.record(0.01,fn); m.verdicts.count("done"); m.messagesProcessed.count(); m.acceptToDone.record(0.5)}
  console.log("ns a call", ((cpu()-t)/N*1e6).toFixed(0)) }
})))
for (let i=0;i<3;i++){const t=cpu(); const s=await Effect.runPromise(Scrape.measure(1000)); console.log(s,"cpu for 11 scrapes+fill", (cpu()-t).toFixed(0))}

import { expect, it } from "vitest"
import { oneLine, sourceOf } from "../../src/natsserver/AptSources.ts"

const mirror = "http://mirror.example/debian"
const keys = "/usr/share/keyrings/keys.gpg"

const deb822 = `Types: deb deb-src
# URIs: http://old.example/debian
URIs: ${mirror}
Suites: bookworm bookworm-updates
Components: main
  contrib
Signed-By: ${keys}

Types: deb
URIs: http://security.example/debian
Suites: bookworm-security
Components: main
`

const named = (name: string, text: string) => [{ name, text }]

it("finds the mirror in the deb822 form, comments and continued lines included", () => {
  expect(sourceOf("bookworm", named("debian.sources", deb822))).toMatchObject({ uri: mirror, signedBy: keys })
})

it.each([
  [`deb ${mirror} bookworm main`, undefined],
  [`  deb [arch=amd64 signed-by=${keys}] ${mirror} bookworm contrib main # ours`, keys]
])("finds the mirror in the one-line form: %s", (line, signedBy) => {
  const text = `# deb http://old.example/debian bookworm main\ndeb-src ${mirror}/src bookworm main\n${line}\n`
  expect(sourceOf("bookworm", named("sources.list", text))).toMatchObject({ uri: mirror, signedBy })
})

it("passes over entries of other releases, other components, sources, and disabled ones", () => {
  expect(sourceOf("trixie", named("debian.sources", deb822))).toBeUndefined()
  expect(sourceOf("bookworm", named("a.list", `deb ${mirror} bookworm contrib`))).toBeUndefined()
  expect(sourceOf("bookworm", named("a.list", `deb-src ${mirror} bookworm main`))).toBeUndefined()
  expect(sourceOf("bookworm", named("a.sources", `Enabled: no\n${deb822}`))).toBeUndefined()
})

it("leaves out a key that is written into the source itself", () => {
  const text = deb822.replace(keys, "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .")
  expect(sourceOf("bookworm", named("debian.sources", text))?.signedBy).toBeUndefined()
})

it("names another suite of the same mirror", () => {
  expect(oneLine({ uri: mirror, signedBy: undefined }, "sid")).toBe(`deb ${mirror} sid main\n`)
  expect(oneLine({ uri: mirror, signedBy: keys }, "sid")).toBe(`deb [signed-by=${keys}] ${mirror} sid main\n`)
})

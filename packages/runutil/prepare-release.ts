// Writes into the package what only its repository knows, before it is published: addresses, and links of README.md that work on
// npm. For the release workflow, which has them in variables of the repository.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What the workflow has to set. */
export const RELEASE_VARIABLES = [
  'RELEASE_TAG',
  'REPOSITORY_URL',
  'HOMEPAGE_URL',
  'BUGS_URL',
  'SECURITY_CONTACT',
] as const

export type ReleaseVariables = Readonly<Record<(typeof RELEASE_VARIABLES)[number], string>>

/** @throws Error that names all that is missing */
export function releaseVariables(
  environment: Readonly<Record<string, string | undefined>>,
): ReleaseVariables {
  const missing = RELEASE_VARIABLES.filter((name) => (environment[name] ?? '') === '')
  if (missing.length > 0) {
    throw new Error(`${missing.join(', ')} not set: see "Releases" in CONTRIBUTING.md`)
  }
  return environment as ReleaseVariables
}

/** @throws Error when the tag is that of another version */
export function releasedManifest(manifest: { version: string }, variables: ReleaseVariables): object {
  const { RELEASE_TAG: tag, REPOSITORY_URL: repository } = variables
  if (tag !== `v${manifest.version}`) {
    throw new Error(`the tag is ${tag}, and package.json has the version ${manifest.version}`)
  }
  return {
    ...manifest,
    repository: { type: 'git', url: `git+${repository}.git`, directory: 'packages/runutil' },
    homepage: variables.HOMEPAGE_URL,
    bugs: { url: variables.BUGS_URL, email: variables.SECURITY_CONTACT },
  }
}

/** With links to the files of the release. */
export function releasedReadme(text: string, variables: ReleaseVariables): string {
  const { RELEASE_TAG: tag, REPOSITORY_URL: repository } = variables
  return text.replaceAll('](../../', `](${repository}/blob/${tag}/`)
}

function prepareRelease(): void {
  const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
  const variables = releaseVariables(process.env)
  const manifest = JSON.parse(readFileSync(path('package.json'), 'utf8')) as { version: string }
  writeFileSync(
    path('package.json'),
    `${JSON.stringify(releasedManifest(manifest, variables), undefined, 2)}\n`,
  )
  writeFileSync(path('README.md'), releasedReadme(readFileSync(path('README.md'), 'utf8'), variables))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepareRelease()

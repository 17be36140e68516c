import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  RELEASE_VARIABLES,
  releaseVariables,
  releasedManifest,
  releasedReadme,
} from '../../packages/runutil/prepare-release.ts'

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

const manifest = JSON.parse(read('packages/runutil/package.json')) as { version: string }
const variables = {
  RELEASE_TAG: `v${manifest.version}`,
  REPOSITORY_URL: 'https://example.org/ann/runutil',
  HOMEPAGE_URL: 'https://runutil.example.org',
  BUGS_URL: 'https://example.org/ann/runutil/issues',
  SECURITY_CONTACT: 'security@example.org',
}

describe('a release', () => {
  it('has the addresses that the repository says, and all else as it is', () => {
    expect(releasedManifest(manifest, variables)).toEqual({
      ...manifest,
      repository: {
        type: 'git',
        url: 'git+https://example.org/ann/runutil.git',
        directory: 'packages/runutil',
      },
      homepage: 'https://runutil.example.org',
      bugs: { url: 'https://example.org/ann/runutil/issues', email: 'security@example.org' },
    })
  })

  it('has a README whose links lead to the files of its tag', () => {
    const text = releasedReadme(read('packages/runutil/README.md'), variables)
    expect(text).toContain(`](https://example.org/ann/runutil/blob/v${manifest.version}/docs/queue.md)`)
    expect(text).not.toMatch(/\]\(\.\./)
  })

  it('is refused while an address is missing, or for the tag of another version', () => {
    expect(() => releaseVariables({ ...variables, BUGS_URL: '', SECURITY_CONTACT: undefined })).toThrow(
      'BUGS_URL, SECURITY_CONTACT not set: see "Releases" in CONTRIBUTING.md',
    )
    expect(() => releasedManifest(manifest, { ...variables, RELEASE_TAG: 'v9.9.9' })).toThrow('v9.9.9')
  })

  it('gets each variable from the workflow, and CONTRIBUTING names those that somebody has to set', () => {
    for (const name of RELEASE_VARIABLES)
      expect(read('.github/workflows/release.yml')).toContain(`${name}: \${{`)
    for (const name of RELEASE_VARIABLES.slice(1)) expect(read('CONTRIBUTING.md')).toContain(`\`${name}\``)
  })
})

import { expect, test } from 'vitest'
import { classify } from '../../packages/examples/src/repo-watch/lines.ts'

test.each([
  ['a.ts', '// one\nlet a = 1 // two\n\n', 1, 1, 1],
  ['a.ts', '/* one\n\ntwo */\nlet a', 1, 2, 1],
  ['a.ts', '/* one */\nlet a', 1, 1, 0],
  ['a.py', '# one\n  # two\nb = 1\n', 1, 2, 0],
  ['a.sql', '-- one\nselect 1', 1, 1, 0],
  ['a.md', '<!-- one -->\n# Title\n', 1, 1, 0],
  ['a.html', '<!--\none\n-->\n<p>', 1, 3, 0],
  ['LICENSE', '// no language\n\n', 1, 0, 1],
  ['a.png', 'x\0y\n', 0, 0, 0],
  ['empty.ts', '', 0, 0, 0],
])('the lines of %s with %j', (name, text, code, comments, blank) => {
  expect(classify(name, Buffer.from(text))).toEqual({ code, comments, blank })
})

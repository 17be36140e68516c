// Few rules: what the compiler can't see and what would be a bug. Each rule that is off has its reason beside it.
import tseslint from 'typescript-eslint'

/** Forms that save a line and cost the reader, and the compiler, more than that. */
const golf = [
  {
    selector: 'ObjectExpression > SpreadElement > ObjectExpression',
    message:
      'A literal spread into a literal hides misspelt keys from the compiler: write its properties out.',
  },
  {
    selector: ':matches(ArrayExpression, CallExpression) > SpreadElement > ArrayExpression',
    message: 'Write the items of a literal out instead of spreading it.',
  },
  {
    selector: ':matches(ArrayExpression, CallExpression) > SpreadElement > TSAsExpression > ArrayExpression',
    message: 'Write the items of a literal out instead of spreading it.',
  },
  {
    selector: 'VariableDeclarator[id.type="ArrayPattern"] > ArrayExpression.init',
    message: 'A statement a variable: [a, b] = [x, y] hides which value is whose.',
  },
  {
    selector: 'AssignmentExpression[left.type="ArrayPattern"] > ArrayExpression.right',
    message: 'A statement a variable: [a, b] = [x, y] hides which value is whose.',
  },
]

/** Code for browsers, with a project of its own. */
const page = 'packages/runutil/src/ops/page'

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.runutil/**', 'test/**/programs/**'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', ...golf],
      // Off: a class or any function is what tsyringe's tokens and our callbacks are; `Function` says it best.
      '@typescript-eslint/no-unsafe-function-type': 'off',
      // Off: `x!` after a check the compiler can't follow is clearer than a branch that can't be reached.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Off: `Promise<void> | void` is how a callback says that it may or may not be async.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // Off: messages show whatever came, numbers and undefined too.
      '@typescript-eslint/restrict-template-expressions': 'off',
    },
  },
  {
    files: [`${page}/**/*.{ts,tsx}`],
    languageOptions: {
      parserOptions: { project: `./${page}/tsconfig.json`, tsconfigRootDir: import.meta.dirname },
    },
    // Off: functions are taken out of props and contexts everywhere.
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  {
    files: ['packages/runutil/src/**/*.{ts,tsx}'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['packages/runutil/src/**/memory-*.ts'],
    rules: {
      // Off: methods of a store are async, so that what they throw is a rejection, whether they wait or not.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/support/eventually.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'vi',
          property: 'waitFor',
          message:
            'It gives up after a second, which a busy machine may take: use eventually() of test/support.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'packages/examples/**/*.ts'],
    rules: {
      // Off: a worker in a test or example is async by its type, whether it awaits or not.
      '@typescript-eslint/require-await': 'off',
    },
  },
)

// Few rules: what the compiler can't see and what would be a bug. Each rule that is off has its reason beside it.
import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.runutil/**', 'test/**/programs/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      eqeqeq: 'error',
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
    files: ['packages/runutil/src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ObjectExpression > SpreadElement > ObjectExpression',
          message:
            'A literal spread into a literal hides misspelt keys from the compiler: write its properties out.',
        },
      ],
    },
  },
  {
    files: ['packages/runutil/src/**/memory-*.ts'],
    rules: {
      // Off: methods of a store are async, so that what they throw is a rejection, whether they wait or not.
      '@typescript-eslint/require-await': 'off',
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

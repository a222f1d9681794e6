import js from '@eslint/js'

export default [
  { ignores: ['static/dist/**', '.venv/**', 'data/**'] },
  js.configs.recommended,
  {
    rules: {
      // TypeScript knows the browser's and Node's names, and checks them (jsconfig.json).
      'no-undef': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
    },
  },
]

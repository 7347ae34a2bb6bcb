import js from '@eslint/js';
import globals from 'globals';
import vue from 'eslint-plugin-vue';
import ts from 'typescript-eslint';
import { noUserText } from './eslint/user-text.js';

// Sentences for a person live in the language files; tests and the development gallery hold samples.
const HOLDS_TEXT = ['src/i18n/**', '**/*.test.ts', 'src/testing/**', 'src/features/gallery/**', 'src/testing/**', 'e2e/**'];

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/bindings'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.{ts,vue}'],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.vue'] },
    },
  },
  { files: ['*.config.{js,ts}', 'eslint/**', 'e2e/**'], languageOptions: { globals: globals.node } },
  {
    rules: {
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-undef': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/multi-word-component-names': 'off',
      'vue/no-v-html': 'error',
      'vue/require-default-prop': 'off',
      'vue/html-self-closing': ['error', { html: { void: 'always', normal: 'always', component: 'always' } }],
      // Line breaks in templates are left to the author.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/multiline-html-element-content-newline': 'off',
    },
  },
  {
    files: ['src/**/*.{ts,vue}'],
    ignores: HOLDS_TEXT,
    plugins: { shicha: { rules: { 'no-user-text': noUserText } } },
    rules: {
      'shicha/no-user-text': 'error',
      'vue/no-bare-strings-in-template': [
        'error',
        {
          attributes: {
            '/.+/': ['title', 'placeholder', 'alt', 'label', 'description', 'aria-label', 'aria-description', 'content'],
          },
        },
      ],
    },
  },
  {
    files: ['src/**/*.{ts,vue}'],
    ignores: ['src/platform/tauri.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@tauri-apps/*'], message: 'Only src/platform/tauri.ts may know Tauri.' }] },
      ],
    },
  },
);

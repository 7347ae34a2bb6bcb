import { RuleTester } from 'eslint';
import { describe, it } from 'vitest';
import vueParser from 'vue-eslint-parser';
import { noUserText } from './user-text.js';

RuleTester.describe = describe;
RuleTester.it = it;

const tester = new RuleTester({ languageOptions: { parser: vueParser, ecmaVersion: 'latest', sourceType: 'module' } });

tester.run('text for a person stands in the language files', noUserText, {
  valid: [
    { filename: 'a.js', code: "t('common.ok')" },
    { filename: 'a.js', code: '// 中文 in a comment is for developers' },
    { filename: 'a.vue', code: "<template><p>{{ t('common.ok') }}</p></template>" },
  ],
  invalid: [
    { filename: 'a.js', code: "const a = '确定'", errors: 1 },
    { filename: 'a.js', code: 'const a = `共 ${n} 条`', errors: 2 },
    { filename: 'a.js', code: "confirm('Really delete it?')", errors: 1 },
    { filename: 'a.vue', code: '<template><p>确定</p></template>', errors: 1 },
    { filename: 'a.vue', code: '<template><p title="确定" /></template>', errors: 1 },
    { filename: 'a.vue', code: "<template><p>{{ ok ? '是' : '否' }}</p></template>", errors: 2 },
  ],
});

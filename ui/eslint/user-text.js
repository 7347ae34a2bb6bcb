// Keeps what a person reads in the language files.
//
// Two rules that the stock ones do not cover: no Chinese character in any string of the code, and no literal
// sentence handed to a function that shows it. Bare text in templates is caught by
// vue/no-bare-strings-in-template.

const CJK = /[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]/u;
const SHOWS_TEXT = new Set(['notify', 'confirm', 'ElMessage', 'ElNotification', 'ElMessageBox']);

function calleeName(node) {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'MemberExpression' && node.object.type === 'Identifier') return node.object.name;
  return null;
}

/** @type {import('eslint').Rule.RuleModule} */
export const noUserText = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      cjk: 'Text for a person belongs in src/i18n: "{{text}}".',
      shown: 'Pass a text key, not a sentence: "{{text}}".',
    },
  },
  create(context) {
    const report = (node, messageId, text) => context.report({ node, messageId, data: { text: text.slice(0, 40) } });
    const visitor = {
      Literal(node) {
        if (typeof node.value === 'string' && CJK.test(node.value)) report(node, 'cjk', node.value);
      },
      TemplateElement(node) {
        if (CJK.test(node.value.raw)) report(node, 'cjk', node.value.raw);
      },
      CallExpression(node) {
        const name = calleeName(node.callee);
        if (name === null || !SHOWS_TEXT.has(name)) return;
        for (const argument of node.arguments) {
          if (argument.type === 'Literal' && typeof argument.value === 'string' && argument.value.includes(' ')) {
            report(argument, 'shown', argument.value);
          }
        }
      },
    };
    const services = context.sourceCode.parserServices;
    if (!services?.defineTemplateBodyVisitor) return visitor;
    return services.defineTemplateBodyVisitor(
      {
        VText(node) {
          if (CJK.test(node.value)) report(node, 'cjk', node.value.trim());
        },
        VLiteral(node) {
          if (CJK.test(node.value)) report(node, 'cjk', node.value);
        },
        'VExpressionContainer Literal'(node) {
          visitor.Literal(node);
        },
        'VExpressionContainer TemplateElement'(node) {
          visitor.TemplateElement(node);
        },
      },
      visitor,
    );
  },
};

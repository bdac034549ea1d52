/**
 * One lint rule for everything that nx's tags cannot express: which file may import which module, and how. It checks static,
 * re-exporting, dynamic and type imports; the standard `no-restricted-imports` checks only the first two.
 */
import path from 'node:path';

/** @type {import('eslint').Rule.RuleModule} */
const walls = {
  meta: {
    type: 'problem',
    schema: [
      {
        type: 'object',
        additionalProperties: false,
        properties: {
          /** Modules that may not be imported: `module` is a regular expression over the specifier. */
          refused: {
            type: 'array',
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['module', 'message'],
              properties: {
                module: { type: 'string' },
                message: { type: 'string' },
                /** `import type` is allowed. */
                types: { type: 'boolean' },
                /** These names are allowed. */
                names: { type: 'array', items: { type: 'string' } },
              },
            },
          },
          /** Folders below `root` may not import each other, except from `open` ones. */
          folders: {
            type: 'object',
            additionalProperties: false,
            required: ['root', 'open'],
            properties: {
              root: { type: 'string' },
              open: { type: 'array', items: { type: 'string' } },
              /** By folder: other folders, or single files in them, that it may import. */
              may: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
            },
          },
        },
      },
    ],
    messages: { refused: '"{{module}}" may not be imported here: {{message}}' },
  },
  create(context) {
    const { refused = [], folders } = context.options[0];

    function check(node, source, typeOnly, names) {
      if (typeof source?.value !== 'string') return;
      const module = source.value;
      for (const wall of refused) {
        if (!new RegExp(wall.module).test(module)) continue;
        if (wall.types && typeOnly) continue;
        if (wall.names && names && names.every((name) => wall.names.includes(name))) continue;
        context.report({ node, messageId: 'refused', data: { module, message: wall.message } });
      }
      if (!folders || !module.startsWith('.')) return;
      const root = path.resolve(context.cwd, folders.root);
      const folderOf = (file) => path.relative(root, file).split(path.sep);
      const from = folderOf(context.filename);
      const to = folderOf(path.resolve(path.dirname(context.filename), module));
      // A file directly in the root (the index) may import from every folder.
      if (from.length < 2 || to[0] === '..' || to[0] === from[0] || folders.open.includes(to[0])) return;
      if (folders.may?.[from[0]]?.some((allowed) => allowed === to[0] || allowed === to.join('/'))) return;
      const message =
        to.length < 2
          ? 'the index is for other projects'
          : `${from[0]} and ${to[0]} are separate; what both need belongs in ${folders.open.join(' or ')}`;
      context.report({ node, messageId: 'refused', data: { module, message } });
    }
    const specifierNames = (node) => node.specifiers.map((one) => one.imported?.name ?? one.local?.name ?? '*');

    return {
      ImportDeclaration: (node) => check(node, node.source, node.importKind === 'type', specifierNames(node)),
      ExportNamedDeclaration: (node) => check(node, node.source, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => check(node, node.source, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, node.source, false),
      TSImportType: (node) => check(node, node.argument?.literal ?? node.source, true),
      TSImportEqualsDeclaration: (node) => check(node, node.moduleReference.expression, node.importKind === 'type'),
    };
  },
};

export default { rules: { walls } };

/** The project's own sources for the rules of tidy: texts, imports,
 *  functions, by the compiler's parser. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  isArrowFunction,
  isBlock,
  isCallExpression,
  isConstructorDeclaration,
  isExportDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isIdentifier,
  isImportDeclaration,
  isMethodDeclaration,
  isNewExpression,
  isPropertyAccessExpression,
  isSetAccessorDeclaration,
  isSourceFile,
  isStringLiteral,
  isVariableDeclaration,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';

/** The checkout: this file runs as dist/test/tidy/source.js. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

export interface Import {
  /** As written: 'node:net', '@9p/packet', '../core/turn.js'; '' where it is computed. */
  readonly spec: string;
  /** Of a relative one: the source it means, 'src/core/turn.ts'. */
  readonly file: string | undefined;
  readonly line: number;
  readonly kind: 'static' | 'dynamic' | 'type';
}

export interface Fn {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
  /** It is given to a call at the top of the file: what a test is. */
  readonly top: boolean;
}

export interface Source {
  /** From the root of the checkout, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
  readonly functions: readonly Fn[];
  /** Names as they are used: `Date`, `process`; of a.b.c also `a.b`
   *  and `.b`; with the line of each. */
  readonly names: ReadonlyMap<string, number>;
  /** any, enum, namespace and export default, with the line of each. */
  readonly kinds: ReadonlyMap<'any' | 'enum' | 'namespace' | 'default', number>;
}

/** Every file that git has or would take; without git (a tarball), undefined. */
export function trackedFiles(): string[] | undefined {
  try {
    const args = ['-c', 'safe.directory=*', 'ls-files', '-co', '--exclude-standard', '-z'];
    const out = execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
    const files = out.split('\0').filter((f) => f !== '' && existsSync(join(root, f)));
    return files.length > 0 ? files : undefined;
  } catch {
    return undefined;
  }
}

/** All TypeScript of the checkout, as its tsconfig files list it. */
export function projectSources(): Source[] {
  const libs = readdirSync(join(root, 'lib')).map((l) => join(root, 'lib', l, 'tsconfig.json'));
  const configs = [join(root, 'tsconfig.json'), ...libs.filter((c) => existsSync(c))];
  return parse(new API({ cwd: root }), configs, root);
}

/** Sources from texts, so that the rules themselves can be tested. */
export function sourcesOf(files: Record<string, string>): Source[] {
  const at = '/virtual';
  const all: Record<string, string> = { [`${at}/tsconfig.json`]: '{"include":["**/*"]}' };
  for (const [path, text] of Object.entries(files)) all[`${at}/${path}`] = text;
  const api = new API({ cwd: at, fs: createVirtualFileSystem(all) });
  return parse(api, [`${at}/tsconfig.json`], at);
}

function parse(api: API, configs: readonly string[], base: string): Source[] {
  try {
    const snapshot = api.updateSnapshot({ openProjects: [...configs] });
    const out = new Map<string, Source>();
    for (const config of configs) {
      const project = snapshot.getProject(config);
      for (const file of project?.rootFiles ?? []) {
        const tree = project?.program.getSourceFile(file);
        const path = posix.relative(base, file);
        if (tree !== undefined && !path.endsWith('.d.ts')) out.set(path, digest(path, tree));
      }
    }
    return [...out.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  } finally {
    api.close();
  }
}

type Digest = {
  imports: Import[];
  functions: Fn[];
  names: Map<string, number>;
  kinds: Map<'any' | 'enum' | 'namespace' | 'default', number>;
};

function digest(path: string, tree: SourceFile): Source {
  const d: Digest = { imports: [], functions: [], names: new Map(), kinds: new Map() };
  const line = (n: Node) => tree.getLineAndCharacterOfPosition(n.getStart(tree)).line + 1;
  const visit = (n: Node): void => {
    noteImport(path, n, line(n), d);
    noteFunction(n, line(n), tree, d);
    noteName(n, line(n), d);
    noteKind(n, line(n), d);
    n.forEachChild(visit);
  };
  tree.forEachChild(visit);
  return { path, text: tree.text, lines: tree.text.split('\n'), ...d };
}

function noteImport(path: string, n: Node, line: number, d: Digest): void {
  const add = (target: Node | undefined, kind: Import['kind']) => {
    const spec = target !== undefined && isStringLiteral(target) ? target.text : '';
    const file = spec.startsWith('.')
      ? posix.join(posix.dirname(path), spec).replace(/\.js$/, '.ts')
      : undefined;
    d.imports.push({ spec, file, line, kind });
  };
  if (isImportDeclaration(n)) {
    const isType = n.importClause?.phaseModifier === SyntaxKind.TypeKeyword;
    add(n.moduleSpecifier, isType ? 'type' : 'static');
  } else if (isExportDeclaration(n) && n.moduleSpecifier !== undefined) {
    add(n.moduleSpecifier, n.isTypeOnly ? 'type' : 'static');
  } else if (isCallExpression(n) && n.expression.kind === SyntaxKind.ImportKeyword) {
    add(n.arguments[0], 'dynamic');
  }
}

function noteFunction(n: Node, line: number, tree: SourceFile, d: Digest): void {
  const isOne =
    isFunctionDeclaration(n) ||
    isMethodDeclaration(n) ||
    isArrowFunction(n) ||
    isFunctionExpression(n) ||
    isConstructorDeclaration(n) ||
    isGetAccessorDeclaration(n) ||
    isSetAccessorDeclaration(n);
  if (!isOne || n.body === undefined || !isBlock(n.body)) return;
  const last = tree.getLineAndCharacterOfPosition(n.end).line + 1;
  const statement = isCallExpression(n.parent) ? n.parent.parent : undefined;
  const top = statement !== undefined && isSourceFile(statement.parent);
  d.functions.push({ name: functionName(n), line, lines: last - line + 1, top });
}

function functionName(n: Node): string {
  const own = (n as { name?: Node }).name;
  if (own !== undefined && 'text' in own) return String(own.text);
  const parent = n.parent;
  if (isVariableDeclaration(parent) && isIdentifier(parent.name)) return parent.name.text;
  if (isCallExpression(parent) && isIdentifier(parent.expression)) return parent.expression.text;
  return isConstructorDeclaration(n) ? 'constructor' : '(arrow)';
}

/** A property's own name is no use of the global that is called so:
 *  `.process` is noted, `process` not. */
function noteName(n: Node, line: number, d: Digest): void {
  const note = (name: string) => {
    if (!d.names.has(name)) d.names.set(name, line);
  };
  if (isNewExpression(n) && isIdentifier(n.expression) && !n.arguments?.length)
    note(`new ${n.expression.text}()`);
  else if (isPropertyAccessExpression(n)) {
    note(`.${n.name.text}`);
    if (isIdentifier(n.expression)) note(`${n.expression.text}.${n.name.text}`);
  } else if (isIdentifier(n) && !isNameOfMember(n)) note(n.text);
}

function isNameOfMember(n: Node): boolean {
  const parent = n.parent as Node & { name?: Node };
  return parent.name === n && !isVariableDeclaration(parent);
}

function noteKind(n: Node, line: number, d: Digest): void {
  const note = (k: 'any' | 'enum' | 'namespace' | 'default') => {
    if (!d.kinds.has(k)) d.kinds.set(k, line);
  };
  if (n.kind === SyntaxKind.AnyKeyword) note('any');
  else if (n.kind === SyntaxKind.EnumDeclaration) note('enum');
  else if (n.kind === SyntaxKind.ModuleDeclaration && !isAmbientModule(n)) note('namespace');
  else if (n.kind === SyntaxKind.ExportAssignment || n.kind === SyntaxKind.DefaultKeyword)
    if (n.kind === SyntaxKind.ExportAssignment || n.parent.kind !== SyntaxKind.DefaultClause)
      note('default');
}

/** `declare module 'fuse-native' {…}` gives types to a package that has none. */
const isAmbientModule = (n: Node): boolean => {
  const name = (n as { name?: Node }).name;
  return name !== undefined && isStringLiteral(name);
};

export const readTracked = (path: string): Buffer => readFileSync(join(root, path));

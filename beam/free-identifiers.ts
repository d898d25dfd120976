/**
 * What a function takes from outside: the names its source uses and does not declare. Only the source travels to a worker, so whatever is
 * free in it and no global of the language is missing there.
 */
import {
  type AnyNode,
  type ArrowFunctionExpression,
  type Function as FunctionNode,
  parse,
  type Program,
} from "acorn";

export interface FunctionSource {
  /** The source as an expression: methods are given the word `function`. */
  readonly expression: string;
  /** Free names in the order of their first use; `this`, `super`, `new.target` and `import.meta` among them where they are captured. */
  readonly free: readonly string[];
}

/**
 * Reads the source of a function, arrow or method, as any compiler leaves it.
 * @throws SyntaxError when the text is none of these.
 */
export function readFunctionSource(text: string): FunctionSource {
  const { node, expression } = parseFunction(text);
  const scanner = new Scanner();
  scanner.scanFunction(node);
  return { expression, free: [...scanner.free] };
}

type AnyFunction = FunctionNode | ArrowFunctionExpression;

function parseFunction(text: string): { readonly node: AnyFunction; readonly expression: string } {
  const asExpression = tryParse(`(${text}\n)`);
  if (asExpression) {
    const statement = asExpression.body[0];
    const node = statement?.type === "ExpressionStatement" ? statement.expression : undefined;
    if (node?.type === "FunctionExpression" || node?.type === "ArrowFunctionExpression") {
      return { node: node, expression: text };
    }
  }
  // Methods of objects and classes have a short form that is valid only inside braces.
  const asMethod = tryParse(`({${text}\n})`);
  const statement = asMethod?.body[0];
  const object = statement?.type === "ExpressionStatement" ? statement.expression : undefined;
  const property =
    object?.type === "ObjectExpression" && object.properties.length === 1 ? object.properties[0] : undefined;
  if (property?.type === "Property" && property.value.type === "FunctionExpression") {
    const { async, generator, start } = property.value;
    const rest = text.slice(start - "({".length);
    return {
      node: property.value,
      expression: `${async ? "async " : ""}function${generator ? "*" : ""} ${rest}`,
    };
  }
  throw new SyntaxError("not the source of a function");
}

function tryParse(text: string): Program | undefined {
  try {
    return parse(text, {
      ecmaVersion: "latest",
      sourceType: "module",
      allowSuperOutsideMethod: true,
      checkPrivateFields: false,
    });
  } catch {
    return undefined;
  }
}

/** Names declared by one function or block. `owner` marks a function that has its own `this`, `arguments`, `super` and `new.target`. */
interface Scope {
  readonly names: Set<string>;
  readonly owner: boolean;
  readonly parent: Scope | undefined;
}

class Scanner {
  readonly free = new Set<string>();
  private scope: Scope | undefined;
  /** Depth in members of inner classes and objects, where `super` and private names have a meaning. */
  private members = 0;

  scanFunction(node: AnyFunction): void {
    const own = node.type !== "ArrowFunctionExpression";
    this.within(own, () => {
      if (own) {
        this.declare("arguments");
        if (node.type === "FunctionExpression" && node.id) this.declare(node.id.name);
      }
      for (const param of node.params) this.declarePattern(param);
      this.hoistVars(node.body);
      for (const param of node.params) this.visit(param);
      // Parameters and body share a scope here: a `let` can't repeat a parameter's name anyway.
      if (node.body.type === "BlockStatement") this.visitStatements(node.body.body);
      else this.visit(node.body);
    });
  }

  private within(owner: boolean, work: () => void): void {
    const outer = this.scope;
    this.scope = { names: new Set(), owner, parent: outer };
    work();
    this.scope = outer;
  }

  private declare(name: string): void {
    this.scope!.names.add(name);
  }

  private declarePattern(pattern: AnyNode | null): void {
    switch (pattern?.type) {
      case "Identifier":
        this.declare(pattern.name);
        return;
      case "ObjectPattern":
        for (const property of pattern.properties) {
          this.declarePattern(property.type === "RestElement" ? property.argument : property.value);
        }
        return;
      case "ArrayPattern":
        for (const element of pattern.elements) this.declarePattern(element);
        return;
      case "RestElement":
        this.declarePattern(pattern.argument);
        return;
      case "AssignmentPattern":
        this.declarePattern(pattern.left);
        return;
      default:
    }
  }

  /** `var` declares in the whole function, from whatever block it stands in. */
  private hoistVars(node: AnyNode): void {
    if (isFunction(node) || isClass(node)) return;
    if (node.type === "VariableDeclaration" && node.kind === "var") {
      for (const { id } of node.declarations) this.declarePattern(id);
    }
    for (const child of childrenOf(node)) this.hoistVars(child);
  }

  /** Declarations of a block hold in all of it, before their place, too. */
  private visitStatements(statements: readonly AnyNode[]): void {
    for (const statement of statements) {
      if (statement.type === "VariableDeclaration")
        for (const { id } of statement.declarations) this.declarePattern(id);
      if (statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration")
        this.declarePattern(statement.id);
    }
    for (const statement of statements) this.visit(statement);
  }

  private visit(node: AnyNode): void {
    switch (node.type) {
      case "Identifier":
        this.use(node.name);
        return;
      case "ThisExpression":
        this.useOwned("this");
        return;
      case "Super":
        // A method that travels alone has no parent any more; those of inner classes and objects keep theirs.
        if (this.members === 0) this.free.add("super");
        return;
      case "PrivateIdentifier":
        if (this.members === 0) this.free.add(`#${node.name}`);
        return;
      case "MetaProperty":
        if (node.meta.name === "import") this.free.add("import.meta");
        else this.useOwned("new.target");
        return;
      case "FunctionExpression":
      case "FunctionDeclaration":
      case "ArrowFunctionExpression":
        this.scanFunction(node);
        return;
      case "ClassExpression":
      case "ClassDeclaration":
        this.within(false, () => {
          if (node.id) this.declare(node.id.name);
          if (node.superClass) this.visit(node.superClass);
          for (const member of node.body.body) this.visit(member);
        });
        return;
      case "PropertyDefinition":
        if (node.computed) this.visit(node.key);
        if (node.value) {
          const { value } = node;
          this.inMember(() => {
            this.within(true, () => {
              this.visit(value);
            });
          });
        }
        return;
      case "StaticBlock":
        this.within(true, () => {
          this.hoistVars(node);
          this.visitStatements(node.body);
        });
        return;
      case "MethodDefinition":
      case "Property":
        if (node.computed) this.visit(node.key);
        if (isFunction(node.value))
          this.inMember(() => {
            this.visit(node.value);
          });
        else this.visit(node.value);
        return;
      case "MemberExpression":
        this.visit(node.object);
        if (node.computed || node.property.type === "PrivateIdentifier") this.visit(node.property);
        return;
      case "LabeledStatement":
        this.visit(node.body);
        return;
      case "BreakStatement":
      case "ContinueStatement":
        return;
      case "BlockStatement":
        this.within(false, () => {
          this.visitStatements(node.body);
        });
        return;
      case "SwitchStatement":
        this.visit(node.discriminant);
        this.within(false, () => {
          this.visitStatements(node.cases.flatMap((one) => one.consequent));
          for (const { test } of node.cases) if (test) this.visit(test);
        });
        return;
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
        this.within(false, () => {
          const head = node.type === "ForStatement" ? node.init : node.left;
          if (head?.type === "VariableDeclaration")
            for (const { id } of head.declarations) this.declarePattern(id);
          this.visitChildren(node);
        });
        return;
      case "CatchClause":
        this.within(false, () => {
          if (node.param) {
            this.declarePattern(node.param);
            this.visit(node.param);
          }
          this.visitStatements(node.body.body);
        });
        return;
      default:
        this.visitChildren(node);
    }
  }

  private visitChildren(node: AnyNode): void {
    for (const child of childrenOf(node)) this.visit(child);
  }

  private use(name: string): void {
    for (let scope = this.scope; scope; scope = scope.parent) if (scope.names.has(name)) return;
    this.free.add(name);
  }

  /** `this` and `new.target` belong to the nearest function that is no arrow. */
  private useOwned(name: string): void {
    for (let scope = this.scope; scope; scope = scope.parent) if (scope.owner) return;
    this.free.add(name);
  }

  private inMember(work: () => void): void {
    this.members++;
    work();
    this.members--;
  }
}

function isFunction(node: AnyNode): boolean {
  return (
    node.type === "FunctionExpression" ||
    node.type === "FunctionDeclaration" ||
    node.type === "ArrowFunctionExpression"
  );
}

function isClass(node: AnyNode): boolean {
  return node.type === "ClassExpression" || node.type === "ClassDeclaration";
}

/** Every node below this one, in the order of the source. */
function* childrenOf(node: AnyNode): Generator<AnyNode> {
  for (const value of Object.values(node) as unknown[]) {
    if (isNode(value)) yield value;
    else if (Array.isArray(value)) for (const item of value as unknown[]) if (isNode(item)) yield item;
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

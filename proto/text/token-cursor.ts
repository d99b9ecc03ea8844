import type { SourceText, Span } from "../errors/index.js";
import type { Scanner, Token } from "./scan.js";

/** The tokens of a text, taken one by one with a look at the next two. */
export interface TokenCursor {
  readonly current: Token;
  readonly ahead: Token;
  /** Where the last token that was taken ends. */
  readonly taken: number;
  take(): Token;
  /** Takes the current token if it is this symbol. */
  tryTake(symbol: string): boolean;
  /** A part of the text. */
  span(start: number, end: number): Span;
}

export function createCursor(source: SourceText, scanner: Scanner): TokenCursor {
  let current = scanner.next();
  let ahead = scanner.next();
  let taken = 0;
  function take(): Token {
    const token = current;
    taken = token.end;
    current = ahead;
    ahead = scanner.next();
    return token;
  }
  return {
    get current() {
      return current;
    },
    get ahead() {
      return ahead;
    },
    get taken() {
      return taken;
    },
    take,
    tryTake(symbol) {
      if (!isSymbol(current, symbol)) return false;
      take();
      return true;
    },
    span: (start, end) => ({ source, start, end }),
  };
}

export const isSymbol = (token: Token, ...texts: readonly string[]): boolean =>
  token.kind === "symbol" && texts.includes(token.text);

export const opensMessage = (token: Token): boolean => isSymbol(token, "{", "<");

/** Whether a field begins here: a name with its colon or bracket. */
export const startsField = ({ current, ahead }: TokenCursor): boolean =>
  current.kind === "identifier" && (isSymbol(ahead, ":") || opensMessage(ahead));

/** Whether another value of a list begins here. */
export const startsValue = (cursor: TokenCursor): boolean =>
  cursor.current.kind === "identifier"
    ? !startsField(cursor)
    : cursor.current.kind !== "end" &&
      (cursor.current.kind !== "symbol" || isSymbol(cursor.current, "-", "{", "<"));

export const spanOfToken = (cursor: TokenCursor, token: Token): Span => cursor.span(token.start, token.end);

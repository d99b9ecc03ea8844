/** The path that a file: URL says, which nothing on a page is read from. */
export const pathOfUrl = (url: string): string => decodeURIComponent(new URL(url).pathname);

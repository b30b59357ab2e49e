/** An error whose text is for the client: what a node throws to refuse an operation. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

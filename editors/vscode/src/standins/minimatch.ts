/** Stands in for `minimatch` in the bundle. The client needs it only for file-operation events, which our server never asks for. */
export class Minimatch {
  constructor() {
    throw new Error('halfwatt bundles no glob matcher: the server must not register for file operations');
  }
}

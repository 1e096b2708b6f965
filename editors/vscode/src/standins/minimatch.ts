/** Stands in for `minimatch` in the bundle. The client needs it only for glob patterns that a server registers, which ours never does. */
export class Minimatch {
  constructor() {
    throw new Error('halfwatt bundles no glob matcher: the server must not register glob patterns');
  }
}

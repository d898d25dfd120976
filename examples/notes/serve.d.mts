/** Bundles the app and serves it on this machine only; port 0 (default) takes one that is free. */
export declare function startNotes(port?: number): Promise<{ readonly url: string; close(): Promise<void> }>;

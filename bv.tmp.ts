import { ensureTools } from '/work/main/embedded/toolchain';
ensureTools(['vault'], { step: async (t: string, w: any) => { console.log(t); return w(() => undefined); }, note: (t: string) => console.log(t) } as any).then((t) => console.log(t), (e) => console.log(e.message, JSON.stringify(e.problems)));

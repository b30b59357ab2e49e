/** slashnet ns, bind, unbind: the name space of a daemon. */
import { quote } from '../core/words.js';
import { type Command, type Options, out, withDaemon } from './command.js';

/** A control message to the daemon's root. */
export const control = (o: Options, line: string): Promise<number> =>
  withDaemon(o, async (m, cancel) => {
    await m.writeFile('/ctl', line, cancel);
    return 0;
  });

export const ns: Command = {
  name: 'ns',
  about: 'print the name space as the commands that rebuild it',
  examples: ['slashnet ns'],
  run: (_args, o) =>
    withDaemon(o, async (m, cancel) => {
      await out(await m.readFile('/ns', cancel));
      return 0;
    }),
};

export const bind: Command = {
  name: 'bind',
  about: 'put a file or directory in the place of another, as bind(1)',
  args: '<source> <target>',
  options: [
    ['-b, --before', 'union: source first'],
    ['-a, --after', 'union: target first'],
  ],
  examples: ['slashnet bind /n/far/ether0 /ether0', 'slashnet bind -a /n/far /'],
  run(args, o) {
    const flag = o.before === true ? '-b ' : o.after === true ? '-a ' : '';
    return control(o, `bind ${flag}${args.map(quote).join(' ')}`);
  },
};

export const unbind: Command = {
  name: 'unbind',
  about: 'undo a bind; open files and links stay as they are',
  args: '<path...>',
  examples: ['slashnet unbind /ether0', 'slashnet unbind /n/far/ether0 /ether0'],
  run: (args, o) => control(o, `unbind ${args.map(quote).join(' ')}`),
};

// One of a few, as a row of buttons that behaves as radio buttons do.

interface Props<T extends string> {
  readonly label: string;
  readonly title?: string;
  readonly name: string;
  readonly value: T;
  readonly options: readonly (readonly [value: T, words: string])[];
  readonly pick: (value: T) => void;
}

export function Choice<T extends string>({ label, title, name, value, options, pick }: Props<T>) {
  return (
    <div class="choice" role="radiogroup" aria-label={label} title={title}>
      {options.map(([option, words]) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => pick(option)} />
          <span>{words}</span>
        </label>
      ))}
    </div>
  );
}

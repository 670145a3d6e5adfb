// What the server tells, and what the page's modules share.

interface Choice {
  task: string;
  size: string;
  strength: number;
  brightness: number;
  seed: number;
  samples: number;
  uncertainty: boolean;
  style: string;
  fast: boolean;
}

interface Photo {
  id: string;
  number: number;
  name: string;
  folder: string;
  bytes: number;
  choice: Choice;
  made: Choice | null;
  state: 'waiting' | 'working' | 'done' | 'failed' | 'cancelled';
  stage: string;
  preview: boolean;
  outputs: string[];
  samples: number;
  error: string;
  task: string;
  decision: string;
  notice: string;
  warnings: string[];
  width: number;
  height: number;
  seconds: number;
  pictures: number;
}

interface Told {
  all: boolean;
  photos: Photo[];
  gone: string[];
}

interface About {
  tasks: string[];
  sizes: string[];
  styles: string[];
  endings: string[];
  out: string | null;
  choice: Choice;
  tile: number;
  most: { bytes: number; photos: number; at_once: number };
}

// OpenSeadragon 6, vendored; it brings no types of its own.
declare const OpenSeadragon: any;

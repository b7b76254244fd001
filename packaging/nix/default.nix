# nix-build packaging/nix: the libraries and the command, of this checkout.
{ pkgs ? import <nixpkgs> { } }:

let
  source = pkgs.lib.cleanSource ../..;
  version = "0.1.0";
  meta = {
    homepage = "https://github.com/tinyalloc/tinyalloc";
    license = with pkgs.lib.licenses; [ mit asl20 ];
    platforms = [ "x86_64-linux" "aarch64-linux" ];
  };
in
{
  tinyalloc = pkgs.stdenv.mkDerivation {
    pname = "tinyalloc";
    inherit version;
    src = source;
    cargoDeps = pkgs.rustPlatform.importCargoLock { lockFile = ../../Cargo.lock; };
    nativeBuildInputs = with pkgs; [ cargo rustc rustPlatform.cargoSetupHook ];
    outputs = [ "out" "dev" "man" ];
    installFlags = [ "PREFIX=${placeholder "out"}" "GDBDIR=${placeholder "out"}/share/gdb/auto-load" ];
    meta = meta // { description = "Drop-in memory allocator that aborts on double and invalid frees"; };
  };

  command = pkgs.rustPlatform.buildRustPackage {
    pname = "tinyalloc-command";
    inherit version;
    src = source;
    cargoRoot = "command";
    buildAndTestSubdir = "command";
    cargoLock.lockFile = ../../command/Cargo.lock;
    # The tests take profiles with the library, which is another package.
    doCheck = false;
    meta = meta // { description = "Reads the heap profiles of tinyalloc"; mainProgram = "tinyalloc"; };
  };
}

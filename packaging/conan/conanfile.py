"""Conan 2: `conan create packaging/conan` in a checkout, or in a copy of this folder with the release's address in conandata.yml."""

import os
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, get, rm, rmdir


class Tinyalloc(ConanFile):
    name = "tinyalloc"
    version = "0.1.0"
    description = "A drop-in memory allocator that aborts on double and invalid frees"
    license = "MIT OR Apache-2.0"
    url = homepage = "https://github.com/tinyalloc/tinyalloc"
    topics = ("allocator", "malloc", "memory")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    def export_sources(self):
        checkout = Path(self.recipe_folder).resolve().parents[1]
        if "sources" in (self.conan_data or {}):
            return
        for pattern in ("Makefile", "Cargo.*", "LICENSE-*", "build.rs", "layout*.ld", "rust-toolchain.toml"):
            copy(self, pattern, checkout, self.export_sources_folder)
        for folder in ("crates", "docs/man", "examples", "include", "packaging", "src", "tests", "tools"):
            copy(self, "*", checkout / folder, os.path.join(self.export_sources_folder, folder))

    def configure(self):
        # The language of the program has no part in it.
        self.settings.rm_safe("compiler.cppstd")
        self.settings.rm_safe("compiler.libcxx")

    def package_id(self):
        # One build for all: a C program does not see how the library was optimized.
        del self.info.settings.build_type
        del self.info.settings.compiler

    def validate(self):
        if self.settings.os != "Linux" or self.settings.arch not in ("x86_64", "armv8"):
            raise ConanInvalidConfiguration("tinyalloc's libraries are for Linux on x86-64 and 64-bit Arm")

    def source(self):
        if "sources" in (self.conan_data or {}):
            get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def build(self):
        self.run("make all", cwd=self.source_folder)

    def package(self):
        folder = self.package_folder
        self.run(f'make install PREFIX="{folder}" GDBDIR="{folder}/res/gdb"', cwd=self.source_folder)
        copy(self, "LICENSE-*", self.source_folder, os.path.join(folder, "licenses"))
        for left in ("lib/cmake", "lib/pkgconfig", "share"):
            rmdir(self, os.path.join(folder, left))
        rm(self, "*.a" if self.options.shared else "*.so*", os.path.join(folder, "lib"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "tinyalloc")
        self.cpp_info.set_property("cmake_target_name", f"tinyalloc::{'shared' if self.options.shared else 'static'}")
        self.cpp_info.set_property("pkg_config_name", "tinyalloc")
        self.cpp_info.libs = ["tinyalloc"]
        if not self.options.shared:
            self.cpp_info.system_libs = ["pthread", "dl"]

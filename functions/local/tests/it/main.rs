//! The laptop build from outside: one binary, since every further one links the analyst and its weights again.

mod claude;
mod commands;
mod faults;
mod inbox;
mod process;
mod swept;
mod teams;

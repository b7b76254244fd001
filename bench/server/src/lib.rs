//! A server on tokio and hyper, for `scripts/bench-servers`. The programs differ in their
//! `#[global_allocator]` alone.

use std::alloc::GlobalAlloc;
use std::any::type_name;
use std::env::var;
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1::Builder as Connection;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder as Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::spawn;

use crate::answers::Answers;

mod answers;
mod numbers;

const WORKERS: usize = 2;
/// Where the server answers the type of its allocator instead.
const ALLOCATOR_PATH: &str = "/allocator";

/// Serves on the port that the variable PORT says, until SIGTERM. The allocator is the program's
/// global one.
pub fn serve<A: GlobalAlloc>(_allocator: &A) -> ExitCode {
    match run(type_name::<A>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the server cannot run: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(allocator: &'static str) -> Result<(), Box<dyn Error>> {
    let port = var("PORT")?.parse()?;
    let runtime = Runtime::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(async {
        let mut ended = signal(SignalKind::terminate())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        spawn(accept(listener, allocator));
        ended.recv().await;
        Ok(())
    })
}

async fn accept(listener: TcpListener, allocator: &'static str) {
    let answers = Arc::new(Answers::default());
    loop {
        // What failed is that one connection.
        if let Ok((stream, _)) = listener.accept().await {
            spawn(converse(stream, Arc::clone(&answers), allocator));
        }
    }
}

async fn converse(stream: TcpStream, answers: Arc<Answers>, allocator: &'static str) {
    let service = service_fn(|request| answer(request, &answers, allocator));
    // A client that goes away in the middle is none of the server's failures.
    _ = Connection::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    answers: &Answers,
    allocator: &'static str,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let body = if request.uri().path() == ALLOCATOR_PATH { Bytes::from_static(allocator.as_bytes()) } else { answers.next()? };
    Ok(Response::builder().header(CONTENT_TYPE, "application/json").body(Full::new(body))?)
}

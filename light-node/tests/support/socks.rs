//! A SOCKS5 proxy made for a test, RFC 1928: it knows some names, and carries bytes to ports of loopback.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How it behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It carries bytes to the names it knows, and refuses others.
    Honest,
    /// It takes every question and never answers.
    Hanging,
}

pub struct FakeProxy {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
    task: JoinHandle<()>,
}

impl FakeProxy {
    /// Listens on a free port of loopback; `names` lead to these ports.
    pub async fn start(names: &[(&str, u16)], manner: Manner) -> Self {
        let names: BTreeMap<String, u16> =
            names.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, names.clone(), manner, Arc::clone(&log)));
            }
        });
        Self { address, asked, task }
    }

    /// The names and ports it was asked for, in order.
    pub fn asked(&self) -> Vec<(String, u16)> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for FakeProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    names: BTreeMap<String, u16>,
    manner: Manner,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
) -> io::Result<()> {
    let [version, methods] = read(&mut stream).await?;
    assert_eq!(version, 5);
    stream.read_exact(&mut vec![0; methods.into()]).await?;
    stream.write_all(&[5, 0]).await?;
    let head: [u8; 5] = read(&mut stream).await?;
    assert_eq!(head[..4], [5, 1, 0, 3], "CONNECT to a name, which nobody has resolved");
    let mut name = vec![0; head[4].into()];
    stream.read_exact(&mut name).await?;
    let port = u16::from_be_bytes(read(&mut stream).await?);
    let name = String::from_utf8(name).unwrap();
    asked.lock().unwrap().push((name.clone(), port));
    match (manner, names.get(&name)) {
        (Manner::Hanging, _) => std::future::pending().await,
        (Manner::Honest, None) => stream.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).await,
        (Manner::Honest, Some(port)) => {
            let mut peer = TcpStream::connect(("127.0.0.1", *port)).await?;
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
            copy_bidirectional(&mut stream, &mut peer).await.map(drop)
        }
    }
}

async fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
